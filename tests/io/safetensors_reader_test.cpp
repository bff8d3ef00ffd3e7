// Reading safetensors: what is in a file, and what is refused, by its rule.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/safetensors_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/safetensors.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::length_of_header;
using support::safetensors;
using support::tensor_a;
using support::text_of;

// The rule that a file breaks; "" if it is read.
std::string rule(std::string_view file) {
  const auto h = io::safetensors_header::try_parse(bytes_of(file), "m");
  return h ? "" : h.error().what;
}
std::string rule_of(std::string_view json, std::size_t data = 0) { return rule(safetensors(json, data)); }
std::string where_of(std::string_view json, std::size_t data = 0) {
  return io::safetensors_header::try_parse(bytes_of(safetensors(json, data)), "m").error().where;
}

const std::string two = R"({"__metadata__":{"format":"pt","k":"v"},)"
                        R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                        R"("a":{"dtype":"U8","shape":[],"data_offsets":[8,9]},)"
                        R"("e":{"dtype":"I64","shape":[0,3],"data_offsets":[8,8]}}  )";

TEST_CASE("tensors are listed in the order of their bytes, and found by name") {
  const support::folder here;
  here.write("m", safetensors(two, 9));
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto opened = io::safetensors_file::try_open(here / "m", how);
    REQUIRE(opened);
    const io::safetensors_file& f = *opened;
    REQUIRE(f.tensors().size() == 3);
    const std::uint64_t data = 8 + two.size();
    const io::safetensors_tensor &b = f.tensors()[0], &e = f.tensors()[1], &a = f.tensors()[2];
    CHECK(b.name == "b");
    CHECK(b.dtype == io::safetensors_dtype::f32);
    CHECK(std::vector(b.shape.begin(), b.shape.end()) == std::vector<std::uint64_t>{2, 1});
    CHECK(b.offset == data);
    CHECK(b.bytes == 8);
    CHECK(e.name == "e");
    CHECK(std::vector(e.shape.begin(), e.shape.end()) == std::vector<std::uint64_t>{0, 3});
    CHECK(e.bytes == 0);
    CHECK(a.name == "a");
    CHECK(a.shape.empty());
    CHECK(a.offset == data + 8);
    CHECK(a.bytes == 1);
    CHECK(f.find("a") == &a);
    CHECK(f.find("b") == &b);
    CHECK(f.find("e") == &e);
    CHECK(f.find("") == nullptr);
    CHECK(f.find("ab") == nullptr);
    CHECK(*f.try_find("a") == &a);
    const auto missing = f.try_find("c\n");
    REQUIRE(!missing);
    CHECK(std::string(missing.error().what) == "there is no such tensor");
    CHECK(missing.error().where.ends_with("m, tensor c\\x0a"));
    REQUIRE(f.metadata().size() == 2);
    CHECK(f.metadata()[0].key == "format");
    CHECK(f.find_metadata("k") == "v");
    CHECK(!f.find_metadata("kk"));

    aligned_bytes room;
    CHECK(text_of(*f.try_view(b, room)) == text_of(bytes_of(std::string("\0\1\2\3\4\5\6\7", 8))));
    CHECK(text_of(*f.try_view(b, 2, 3, room)) == "\2\3\4");
    CHECK(f.try_view(e, room)->empty());
    CHECK(f.try_view(b, 8, 0, room)->empty());
    std::byte out[2];
    REQUIRE(f.try_read(b, 6, out));
    CHECK(out[1] == std::byte{7});
    CHECK(std::string(f.try_read(b, 7, out).error().what) == "bytes beyond the end of the tensor");
    CHECK(!f.try_view(b, 9, 0, room));
    CHECK(!f.try_view(b, 1, ~std::uint64_t{0}, room));
    CHECK(!f.try_view(b, ~std::uint64_t{0}, 2, room));
  }
}

TEST_CASE("a file that is moved stays whole") {
  const support::folder here;
  here.write("m", safetensors(two, 9));
  io::safetensors_file f = io::safetensors_file::open(here / "m");
  const io::safetensors_tensor* const a = f.find("a");
  const io::safetensors_file moved = std::move(f);
  CHECK(moved.find("a") == a);
  CHECK(a->name == "a");
  CHECK(f.tensors().empty());
  aligned_bytes room;
  CHECK(text_of(moved.view(moved.at("a"), room)) == "\x8");
  CHECK_THROWS_AS(moved.at("c"), io::file_error);
  CHECK_THROWS_AS(io::safetensors_file::open(here / "n"), io::file_error);
}

TEST_CASE("every dtype has its size, the small ones in bits") {
  for (const io::safetensors_dtype_facts& t : io::safetensors_dtypes) {
    CHECK(io::name_of(*io::find_safetensors_dtype(t.name)) == t.name);
    const std::string bytes = std::to_string(t.bits);
    const std::string json =
        tensor_a("\"dtype\":\"" + std::string(t.name) + "\",\"shape\":[8],\"data_offsets\":[0," + bytes + "]");
    CHECK(rule_of(json, t.bits) == "");
    CHECK(rule_of(json, t.bits - 1) == "a tensor reaches beyond the end of the file");
  }
  CHECK(io::safetensors_size_of(io::safetensors_dtype::f4, std::vector<std::uint64_t>{3, 2}).bytes == 3);
  CHECK(io::safetensors_size_of(io::safetensors_dtype::f6_e3m2, std::vector<std::uint64_t>{4}).bytes == 3);
  CHECK(!io::find_safetensors_dtype("f32"));
  CHECK(!io::find_safetensors_dtype(""));
}

TEST_CASE("names and metadata are any UTF-8") {
  const auto h = io::safetensors_header::parse(
      bytes_of(safetensors(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u00e9\ud83d\ude00\n\u0000":)"
                           R"({"data_offsets":[1,2],"shape":[1],"dtype":"U8"},"__metadata__":{"":"é\"","x":""}})",
                           2)));
  CHECK(h.find("")->bytes == 1);
  CHECK(h.find(std::string_view("\xc3\xa9\xf0\x9f\x98\x80\n\0", 8)) != nullptr);
  CHECK(h.find_metadata("") == "\xc3\xa9\"");
  CHECK(h.find_metadata("x") == "");
}

TEST_CASE("null in place of metadata: there are none") {
  const std::string tensor = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  for (const std::string& json : {R"({"__metadata__":null,)" + tensor + "}", "{" + tensor + R"(,"__metadata__": null })"}) {
    const auto h = io::safetensors_header::parse(bytes_of(safetensors(json, 1)));
    CHECK(h.metadata().empty());
    CHECK(h.tensors().size() == 1);
    CHECK(h.find("a") != nullptr);
  }
}

TEST_CASE("a file without tensors is a file") {
  CHECK(rule_of("{}") == "");
  CHECK(rule_of(R"({"__metadata__":{}})") == "");
  CHECK(rule_of(R"({"__metadata__":null})") == "");
  CHECK(rule_of("{ \t\r\n} \t\r\n") == "");
  CHECK(rule_of("{}", 1) == "bytes that belong to no tensor follow the last tensor");
}

TEST_CASE("the length of the header") {
  CHECK(rule("") == "the file has no room for the length of a header");
  CHECK(rule(std::string(7, '\0')) == "the file has no room for the length of a header");
  CHECK(rule(length_of_header(0)) == "the header does not begin with {");
  CHECK(rule(length_of_header(1)) == "the header reaches beyond the end of the file");
  CHECK(rule(length_of_header(3) + "{}") == "the header reaches beyond the end of the file");
  CHECK(rule(length_of_header(100'000'000) + "{}") == "the header reaches beyond the end of the file");
  CHECK(rule(length_of_header(100'000'001) + "{}") == "the header is too large");
  CHECK(rule(length_of_header(~std::uint64_t{0}) + "{}") == "the header is too large");
  CHECK(rule(length_of_header(std::uint64_t{1} << 63) + "{}") == "the header is too large");
  CHECK(rule(length_of_header(1) + "{}") == "not JSON");
  const auto h = io::safetensors_header::try_parse("{}", 9);
  REQUIRE(!h);
  CHECK(std::string(h.error().what) == "the header reaches beyond the end of the file");
  const support::folder here;
  here.write("short", "1234567");
  here.write("cut", safetensors(two, 8));
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto shorter = io::safetensors_file::try_open(here / "short", how);
    REQUIRE(!shorter);
    CHECK(std::string(shorter.error().what) == "the file has no room for the length of a header");
    const auto cut = io::safetensors_file::try_open(here / "cut", how);
    REQUIRE(!cut);
    CHECK(std::string(cut.error().what) == "a tensor reaches beyond the end of the file");
  }
}

TEST_CASE("the header is JSON, and an object") {
  for (const std::string json :
       {"{", "{\"", "{]", "{}{}", "{} x", "{}//", "{,}", "{\"a\"}", "{\"a\":}", "{'a':1}", "{\"a\":{",
        "{\"__metadata__\":{},}", "{\"__metadata__\":{\"a\":\"b\",}}", "{\"__metadata__\":{}", "{\"a\":{\"shape\":[01]",
        "{\"a\":{\"shape\":[1,]", "{\"a\":{\"shape\":[0x1]", "{\"a\":{\"shape\":[+1]", "{\"a\":{\"shape\":[.5]",
        "{\"a\":NaN}", "{\"a\":nul", "{\"\xff\":1}", "{\"\xc0\xaf\":1}", "{\"\xed\xa0\x80\":1}", "{\"\\ud800\":1}",
        "{\"\\x\":1}", "{\"\n\":1}", "{/**/}"}) {
    CAPTURE(json);
    CHECK(rule_of(json) == "not JSON");
  }
  CHECK(rule_of(std::string("{}\0", 3)) == "a zero byte in JSON");
  CHECK(rule_of(std::string("{}\0 polyglot", 12)) == "a zero byte in JSON");
  for (const std::string json : {" {}", "[]", "1", "\"a\"", "null", "\xef\xbb\xbf{}", "\n{}"}) {
    CAPTURE(json);
    CHECK(rule_of(json) == "the header does not begin with {");
  }
  const auto h = io::safetensors_header::try_parse(bytes_of(safetensors("{\"a\":]")), "m");
  REQUIRE(!h);
  CHECK(h.error().offset == 8 + 5);
}

struct malformed {
  std::string json;
  std::size_t data;
  const char* what;
};

TEST_CASE("what breaks a rule of the format is refused by that rule") {
  const std::string good = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  const auto shaped = [](const std::string& shape, const std::string& dtype = "U8") {
    return tensor_a("\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[0,4]");
  };
  const auto offset = [](const std::string& o) { return tensor_a(R"("dtype":"U8","shape":[4],"data_offsets":)" + o); };
  const auto beside = [&](const std::string& o) {
    return R"({"a":{)" + good + R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + o + "}}";
  };
  std::string many = "[1";
  for (int i = 0; i < 64; ++i) many += ",1";
  const malformed all[] = {
      // Kinds of values.
      {R"({"a":1})", 4, "a tensor is not an object"},
      {R"({"a":null})", 4, "a tensor is not an object"},
      {R"({"a":[]})", 4, "a tensor is not an object"},
      {R"({"a":"x"})", 4, "a tensor is not an object"},
      {R"({"a":-1})", 4, "a tensor is not an object"},
      {R"({"a":1.5})", 4, "a tensor is not an object"},
      {R"({"a":true})", 4, "a tensor is not an object"},
      {R"({"__metadata__":true})", 0, "the metadata is not an object"},
      {R"({"__metadata__":["a"]})", 0, "the metadata is not an object"},
      {R"({"__metadata__":"a"})", 0, "the metadata is not an object"},
      {R"({"__metadata__":{"a":1}})", 0, "a value of metadata is not a string"},
      {R"({"__metadata__":{"a":null}})", 0, "a value of metadata is not a string"},
      {R"({"__metadata__":{"a":{"b":"c"}}})", 0, "a value of metadata is not a string"},
      {R"({"__metadata__":{"a":["c"]}})", 0, "a value of metadata is not a string"},
      {tensor_a(R"("dtype":8,"shape":[4],"data_offsets":[0,4])"), 4, "a dtype is not a string"},
      {tensor_a(R"("dtype":null,"shape":[4],"data_offsets":[0,4])"), 4, "a dtype is not a string"},
      {tensor_a(R"("dtype":["U8"],"shape":[4],"data_offsets":[0,4])"), 4, "a dtype is not a string"},
      {shaped("4"), 4, "a shape is not an array"},
      {shaped("\"4\""), 4, "a shape is not an array"},
      {shaped("{}"), 4, "a shape is not an array"},
      {shaped("null"), 4, "a shape is not an array"},
      {shaped("[\"4\"]"), 4, "an array holds what is no number"},
      {shaped("[[4]]"), 4, "an array holds what is no number"},
      {shaped("[null]"), 4, "an array holds what is no number"},
      {shaped("[true]"), 4, "an array holds what is no number"},
      {shaped("[{}]"), 4, "an array holds what is no number"},
      {offset("4"), 4, "data_offsets is not an array"},
      {offset("{\"begin\":0,\"end\":4}"), 4, "data_offsets is not an array"},
      {offset("[0,\"4\"]"), 4, "an array holds what is no number"},
      {offset("[[0,4]]"), 4, "an array holds what is no number"},
      // Numbers.
      {shaped("[-4]"), 4, "a number is negative"},
      {shaped("[-0]"), 4, "a number is negative"},
      {shaped("[-9223372036854775808]"), 4, "a number is negative"},
      {shaped("[4.0]"), 4, "a number is not a whole number below 2^64"},
      {shaped("[4e0]"), 4, "a number is not a whole number below 2^64"},
      {shaped("[18446744073709551616]"), 4, "a number is not a whole number below 2^64"},
      {shaped("[-9223372036854775809]"), 4, "a number is not a whole number below 2^64"},
      {shaped("[1e400]"), 4, "a number is out of range"},
      {offset("[-1,4]"), 4, "a number is negative"},
      {offset("[0,4.5]"), 4, "a number is not a whole number below 2^64"},
      {offset("[0,1e400]"), 4, "a number is out of range"},
      {offset("[0,340282366920938463463374607431768211456]"), 4, "a number is not a whole number below 2^64"},
      // Fields.
      {tensor_a(""), 0, "a tensor has no dtype"},
      {tensor_a(R"("shape":[4],"data_offsets":[0,4])"), 4, "a tensor has no dtype"},
      {tensor_a(R"("dtype":"U8","data_offsets":[0,4])"), 4, "a tensor has no shape"},
      {tensor_a(R"("dtype":"U8","shape":[4])"), 4, "a tensor has no data_offsets"},
      {tensor_a(good + R"(,"extra":1)"), 4, "unknown key of a tensor"},
      {tensor_a(R"("Dtype":"U8","shape":[4],"data_offsets":[0,4])"), 4, "unknown key of a tensor"},
      {tensor_a(R"("":"U8","shape":[4],"data_offsets":[0,4])"), 4, "unknown key of a tensor"},
      {offset("[]"), 4, "data_offsets is not two numbers"},
      {offset("[0]"), 4, "data_offsets is not two numbers"},
      {offset("[0,4,4]"), 4, "data_offsets is not two numbers"},
      {shaped("[4]", "U4"), 4, "unknown dtype"},
      {shaped("[4]", "u8"), 4, "unknown dtype"},
      {shaped("[4]", ""), 4, "unknown dtype"},
      {shaped("[4]", "U8 "), 4, "unknown dtype"},
      {shaped("[4]", "F8_E4M3FN"), 4, "unknown dtype"},
      // Duplicates.
      {tensor_a(good + R"(,"dtype":"U8")"), 4, "a key stands twice"},
      {tensor_a(good + R"(,"shape":[4])"), 4, "a key stands twice"},
      {tensor_a(good + R"(,"data_offsets":[0,4])"), 4, "a key stands twice"},
      {tensor_a(good + R"(,"dt\u0079pe":"U8")"), 4, "a key stands twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "a key stands twice"},
      {R"({"__metadata__":null,"__metadata__":null})", 0, "a key stands twice"},
      {R"({"__metadata__":null,"__metadata__":{"a":"b"}})", 0, "a key stands twice"},
      {R"({"__metadata__":{"a":"b","c":"d","a":"b"}})", 0, "a key stands twice"},
      {R"({"a":{)" + good + R"(},"a":{)" + good + "}}", 4, "two tensors have one name"},
      {R"({"a":{)" + good + R"(},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8,
       "two tensors have one name"},
      // Sizes.
      {shaped("[3]"), 4, "data_offsets are not as far apart as the tensor has bytes"},
      {shaped("[5]"), 4, "data_offsets are not as far apart as the tensor has bytes"},
      {shaped("[0]"), 4, "data_offsets are not as far apart as the tensor has bytes"},
      {shaped("[4]", "F32"), 4, "data_offsets are not as far apart as the tensor has bytes"},
      {shaped("[7]", "F4"), 4, "a tensor is not a whole number of bytes"},
      {shaped("[1]", "F6_E2M3"), 4, "a tensor is not a whole number of bytes"},
      {shaped("[2,18446744073709551615]"), 4, "the product of a shape overflows"},
      {shaped("[4294967296,4294967296]"), 4, "the product of a shape overflows"},
      {shaped("[0,4294967296,4294967296]"), 0, "the product of a shape overflows"},
      {shaped("[4294967296,4294967296,0]"), 0, "the product of a shape overflows"},
      {shaped("[18446744073709551615]"), 4, "the size of a tensor in bits overflows"},
      {shaped("[2305843009213693952]"), 4, "the size of a tensor in bits overflows"},
      {shaped("[2305843009213693951]"), 4, "data_offsets are not as far apart as the tensor has bytes"},
      {shaped(many + "]"), 4, "a shape has too many extents"},
      // Places.
      {offset("[4,0]"), 4, "data_offsets end before they begin"},
      {offset("[18446744073709551615,3]"), 4, "data_offsets end before they begin"},
      {offset("[18446744073709551611,18446744073709551615]"), 4, "bytes that belong to no tensor come before a tensor"},
      {offset("[1,5]"), 5, "bytes that belong to no tensor come before a tensor"},
      {offset("[0,4]"), 3, "a tensor reaches beyond the end of the file"},
      {offset("[0,4]"), 0, "a tensor reaches beyond the end of the file"},
      {offset("[0,4]"), 5, "bytes that belong to no tensor follow the last tensor"},
      {beside("[0,4]"), 4, "a tensor overlaps another"},
      {beside("[3,7]"), 7, "a tensor overlaps another"},
      {beside("[5,9]"), 9, "bytes that belong to no tensor come before a tensor"},
      {beside("[4,8]"), 9, "bytes that belong to no tensor follow the last tensor"},
      {beside("[4,8]"), 7, "a tensor reaches beyond the end of the file"},
      {R"({"a":{)" + good + R"(},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})", 4,
       "a tensor overlaps another"},
      {R"({"a":{)" + good + R"(},"e":{"dtype":"U8","shape":[0],"data_offsets":[5,5]}})", 4,
       "bytes that belong to no tensor come before a tensor"},
  };
  static_assert(std::size(all) >= 80);
  for (const malformed& m : all) {
    CAPTURE(m.json);
    CHECK(rule_of(m.json, m.data) == m.what);
  }
  CHECK(rule_of(shaped("[4]"), 4) == "");
  CHECK(rule_of(offset("[0,4]"), 4) == "");
  CHECK(rule_of(beside("[4,8]"), 8) == "");
  CHECK(rule_of(shaped(many.substr(0, many.size() - 4) + ",4]"), 4) == "");
}

TEST_CASE("a failure says where") {
  CHECK(where_of(R"({"a\n":{"dtype":"U4\u001b"}})") == "m, tensor a\\x0a, dtype U4\\x1b");
  CHECK(where_of(R"({"a":{"dtype":"U8","size":1}})") == "m, tensor a, key size");
  CHECK(where_of(R"({"__metadata__":{"k":1}})") == "m, metadata k");
  const auto h = io::safetensors_header::try_parse(
      bytes_of(safetensors(tensor_a(R"("dtype":"F16","shape":[3],"data_offsets":[0,4])"), 4)), "m");
  REQUIRE(!h);
  CHECK(h.error().text() == "m, tensor a: data_offsets are not as far apart as the tensor has bytes (4, against 6)");
}

TEST_CASE("a file cut anywhere is refused") {
  const std::string whole = safetensors(two, 9);
  REQUIRE(rule(whole) == "");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    const char* const what = n < 8                ? "the file has no room for the length of a header"
                             : n < 8 + two.size() ? "the header reaches beyond the end of the file"
                                                  : "a tensor reaches beyond the end of the file";
    CHECK(rule(std::string_view(whole).substr(0, n)) == what);
  }
  // The same, with lengths that fit: JSON that ends too soon.
  for (std::size_t n = 1; n + 2 < two.size(); ++n) {
    CAPTURE(n);
    CHECK(rule_of(std::string_view(two).substr(0, n), 9) == "not JSON");
  }
}

TEST_CASE("any byte of a header may be any other: it is read or refused") {
  const std::string whole = safetensors(two, 9);
  std::size_t read = 0;
  for (std::size_t i = 0; i < 8 + two.size(); ++i)
    for (int b = 0; b < 256; ++b) {
      std::string other = whole;
      other[i] = static_cast<char>(b);
      const std::string what = rule(other);
      read += what.empty();
    }
  CHECK(read > 8 + two.size());  // each byte is its own value once
  CHECK(read < 2 * 256 * two.size() / 3);
}

TEST_CASE("JSON may be as deep as it likes") {
  const std::string deep(1'000'000, '[');
  CHECK(rule_of("{\"a\":" + deep) == "a tensor is not an object");
  std::string objects = "{";
  for (int i = 0; i < 100'000; ++i) objects += "\"a\":{";
  CHECK(rule_of(objects) == "unknown key of a tensor");
  CHECK(rule_of("{\"a\":{\"shape\":" + deep) == "an array holds what is no number");
  CHECK(rule_of("{\"__metadata__\":{\"a\":" + deep) == "a value of metadata is not a string");
}

TEST_CASE("many tensors and much metadata") {
  std::string json = "{", metadata = "\"__metadata__\":{";
  constexpr std::size_t n = 20'000;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string at = std::to_string(i * 7919 % n), end = std::to_string(i * 7919 % n + 1);
    json += "\"t" + at + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" + at + "," + end + "]},";
    metadata += (i ? ",\"" : "\"") + at + "\":\"" + end + "\"";
  }
  const auto h = io::safetensors_header::try_parse(bytes_of(safetensors(json + metadata + "}}", n)));
  REQUIRE(h);
  REQUIRE(h->tensors().size() == n);
  for (std::size_t i = 0; i < n; ++i) REQUIRE(h->tensors()[i].name == "t" + std::to_string(i));
  CHECK(h->find("t777") == &h->tensors()[777]);
  CHECK(h->find_metadata("777") == "778");

  std::string too_much = "{\"__metadata__\":{\"0\":\"\"";
  for (std::size_t i = 1; i <= io::safetensors_most_metadata; ++i) too_much += ",\"" + std::to_string(i) + "\":\"\"";
  CHECK(rule_of(too_much + "}}") == "too many entries of metadata");
}

}  // namespace
