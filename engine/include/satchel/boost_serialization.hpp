/// Pointers and polymorphism, through the Boost library.
///
///     #include <satchel/boost_serialization.hpp>          // and link Boost::serialization
///
///     struct Shape { virtual ~Shape() = default; … };     // serialised as Boost says
///     BOOST_CLASS_EXPORT(Circle)
///     template <>
///     inline constexpr bool satchel::through_boost<std::shared_ptr<Shape>> = true;
///
/// Objects of a type that says so are written by boost::archive::binary_oarchive, into one block of
/// satchel's archive: with tracked pointers, shared objects and cycles, class versions, and types
/// that only the program knows. satchel's own archives have nothing of that, and types that do not
/// need it need no Boost.
///
/// Boost's archives do not withstand bytes that somebody made up. Tasks read only what other
/// processes of the cluster wrote, after both have proved that they know its key; do not read files
/// or network input of others with this.
#pragma once

#include <satchel/archive.hpp>

#include <sstream>
#include <streambuf>
#include <string>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/vector.hpp>

namespace satchel::detail {

/// Reads from memory that is there.
class MemoryStream : public std::streambuf {
  public:
    explicit MemoryStream(const Bytes& bytes) {
        auto* begin = const_cast<char*>(bytes.text().data());
        setg(begin, begin, begin + bytes.size());
    }
};

template <class T>
struct BoostFormat {
    static void save(OutputArchive& archive, const T& object) {
        std::ostringstream text;
        {
            boost::archive::binary_oarchive out(text, boost::archive::no_header);
            out << object;
        }
        archive.save_bytes(Bytes(std::move(text).str()));
    }

    static T load(InputArchive& archive) {
        const auto bytes = archive.load_bytes();
        MemoryStream stream(bytes);
        try {
            boost::archive::binary_iarchive in(stream, boost::archive::no_header);
            T object{};
            in >> object;
            return object;
        } catch (const boost::archive::archive_exception& error) {
            throw ArchiveError(std::string("reading an object through Boost: ") + error.what());
        }
    }
};

}  // namespace satchel::detail
