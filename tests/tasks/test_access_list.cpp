// Access lists: the mode of a copy that has none.
#include "file/access_list.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace satchel;

namespace {

struct Entry {
    char whom;
    char rights;
};

constexpr char owner = 0x01;
constexpr char user = 0x02;
constexpr char own_group = 0x04;
constexpr char group = 0x08;
constexpr char mask = 0x10;
constexpr char others = 0x20;

std::string list_of(const std::vector<Entry>& entries) {
    std::string list{2, 0, 0, 0};
    for (const auto& [whom, rights] : entries) {
        list += {whom, 0, rights, 0, 1, 2, 0, 0};
    }
    return list;
}

}  // namespace

TEST_CASE("without a list, a copy has the mode of the file") {
    CHECK(mode_without_list(0754, "") == 0754);
}

TEST_CASE("without the list, the group may do no more than its own entry and the mask allow") {
    CHECK(mode_without_list(0660, list_of({{owner, 6}, {own_group, 4}, {mask, 6}, {others, 0}})) ==
          0640);
    CHECK(mode_without_list(0640, list_of({{owner, 6}, {own_group, 6}, {mask, 4}, {others, 0}})) ==
          0640);
}

TEST_CASE("without the list, no user gains what it denied: each is one of the group or others") {
    CHECK(mode_without_list(
              0644, list_of({{owner, 6}, {user, 0}, {own_group, 4}, {mask, 4}, {others, 4}})) ==
          0600);
    CHECK(
        mode_without_list(
            0667,
            list_of({{owner, 6}, {user, 7}, {user, 5}, {own_group, 6}, {mask, 6}, {others, 7}})) ==
        0644);
}

TEST_CASE("without the list, no group gains what it denied: its members are others") {
    CHECK(mode_without_list(
              0654,
              list_of(
                  {{owner, 6}, {own_group, 5}, {group, 5}, {group, 1}, {mask, 5}, {others, 4}})) ==
          0650);
}

TEST_CASE("without the list, others keep what those that it names have as well") {
    CHECK(mode_without_list(
              0664, list_of({{owner, 6}, {user, 6}, {own_group, 6}, {mask, 6}, {others, 4}})) ==
          0664);
    CHECK(mode_without_list(0647, list_of({{owner, 6}, {own_group, 4}, {mask, 4}, {others, 7}})) ==
          0647);
}
