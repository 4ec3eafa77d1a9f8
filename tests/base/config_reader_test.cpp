#include "instructme/base/config_reader.h"

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using nlohmann::json;

ConfigReader reader(const char* text) { return ConfigReader(json::parse(text), "tiny.json"); }

TEST(ConfigReader, ReadsValuesAndKeepsDefaults) {
  ConfigReader config =
      reader(R"({"count": 3, "rate": 2, "name": "x", "on": true, "sizes": [1, 2], "shares": {"a": 0.5}})");
  int64_t count = 0, absent = 7;
  double rate = 0;
  std::string name;
  bool on = false;
  std::vector<int64_t> sizes{9, 9, 9};
  std::map<std::string, double> shares{{"old", 1}};
  config.read("count", count);
  config.read("absent", absent);
  config.read("rate", rate);
  config.require("name", name);
  config.read("on", on);
  config.read("sizes", sizes);
  config.read("shares", shares);
  config.finish();
  EXPECT_EQ(count, 3);
  EXPECT_EQ(absent, 7);
  EXPECT_EQ(rate, 2.0);
  EXPECT_EQ(name, "x");
  EXPECT_TRUE(on);
  EXPECT_EQ(sizes, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(shares, (std::map<std::string, double>{{"a", 0.5}}));
}

TEST(ConfigReader, UnknownKeyNamesFileKeyAndNearest) {
  ConfigReader config = reader(R"({"chanels": 3})");
  int64_t channels = 0;
  config.read("channels", channels);
  EXPECT_EQ(channels, 0);
  expect_error(ErrorKind::kModel, "tiny.json: unknown key 'chanels' (did you mean 'channels'?)",
               [&] { config.finish(); });
}

TEST(ConfigReader, MissingKey) {
  ConfigReader config = reader("{}");
  int64_t channels = 4;
  EXPECT_FALSE(config.has("channels"));
  expect_error(ErrorKind::kModel, "tiny.json: key 'channels' is missing",
               [&] { config.require("channels", channels); });
  EXPECT_EQ(channels, 4);
}

template <class T>
void expect_refused(const char* value) {
  SCOPED_TRACE(value);
  ConfigReader config(json{{"key", json::parse(value)}}, "tiny.json");
  T out{};
  expect_error(ErrorKind::kModel, std::string("key 'key' has an unsuitable value ") + json::parse(value).dump(),
               [&] { config.read("key", out); });
  EXPECT_EQ(out, T{}) << "a refused value must not be stored";
}

TEST(ConfigReader, IntegersAreNotCutWrappedOrConverted) {
  for (const char* value : {"6.5", "true", "\"6\"", "null", "[6]", "{}", "1e3", "9223372036854775808"})
    expect_refused<int64_t>(value);
  for (const char* value : {"-1", "6.5", "false"}) expect_refused<uint64_t>(value);
  for (const char* value : {"4294967296", "-2147483649"}) expect_refused<int>(value);
}

TEST(ConfigReader, OtherWrongTypes) {
  for (const char* value : {"true", "\"0.5\"", "null", "[0.5]"}) expect_refused<double>(value);
  for (const char* value : {"1", "0", "\"true\"", "null"}) expect_refused<bool>(value);
  for (const char* value : {"1", "true", "null", "[\"a\"]"}) expect_refused<std::string>(value);
  for (const char* value : {"[1, 2.5]", "[true]", "{\"a\": 1}", "3"}) expect_refused<std::vector<int64_t>>(value);
  for (const char* value : {"{\"a\": \"b\"}", "[1]", "[[\"a\", 1]]"})
    expect_refused<std::map<std::string, double>>(value);
}

TEST(ConfigReader, LimitsOfIntegersAreRead) {
  ConfigReader config = reader(R"({"low": -9223372036854775808, "high": 18446744073709551615, "small": -2147483648})");
  int64_t low = 0;
  uint64_t high = 0;
  int small = 0;
  config.read("low", low);
  config.read("high", high);
  config.read("small", small);
  EXPECT_EQ(low, INT64_MIN);
  EXPECT_EQ(high, UINT64_MAX);
  EXPECT_EQ(small, INT32_MIN);
}

TEST(ConfigReader, InnerObjectsNameThePath) {
  ConfigReader config = reader(R"({"vae": {"hop": "x"}, "list": [1], "free": {"a": 1}})");
  ConfigReader vae = config.object("vae");
  int64_t hop = 0;
  expect_error(ErrorKind::kModel, "tiny.json: vae: key 'hop'", [&] { vae.read("hop", hop); });
  expect_error(ErrorKind::kModel, "tiny.json: list: expected a JSON object, found array",
               [&] { config.object("list"); });
  expect_error(ErrorKind::kModel, "tiny.json: vae: expected a JSON object, found null",
               [] { reader(R"({"vae": null})").object("vae"); });
  EXPECT_FALSE(config.object("absent").has("anything"));
  EXPECT_EQ(config.raw("free"), (json{{"a", 1}}));
  EXPECT_TRUE(config.raw("nothing").is_null());
  config.finish();
}

TEST(ConfigReader, OnlyObjects) {
  expect_error(ErrorKind::kModel, "tiny.json: expected a JSON object, found number", [] { reader("3"); });
}

TEST(JsonFile, RoundTripAndComments) {
  const TempDir folder;
  const auto path = folder.path() / "a.json";
  const json value = {{"b", {1, 2.5, "ü"}}, {"a", nullptr}};
  write_json_file(path, value);
  EXPECT_EQ(read_json_file(path), value);
  write_file_atomically(path, "// said first\n{\"a\": /* here */ 1}");
  EXPECT_EQ(read_json_file(path), (json{{"a", 1}}));
}

TEST(JsonFile, NamesThatAreNoUtf8AreWritten) {
  const TempDir folder;
  const auto path = folder.path() / "a.json";
  write_json_file(path, {{"title", "Caf\xe9"}, {"good", "Café"}});
  EXPECT_EQ(read_json_file(path), (json{{"title", "Caf\uFFFD"}, {"good", "Café"}}));
  EXPECT_EQ(json_text({{"b", 1}}), "{\"b\":1}");
}

TEST(JsonFile, Errors) {
  const TempDir folder;
  const auto path = folder.path() / "a.json";
  expect_error(ErrorKind::kIo, "a.json", [&] { read_json_file(path); });
  write_file_atomically(path, "{\"a\": ");
  expect_error(ErrorKind::kModel, "a.json is not valid JSON", [&] { read_json_file(path); });
  write_file_atomically(path, "{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + "}");
  expect_error(ErrorKind::kModel, "a.json is nested too deeply", [&] { read_json_file(path); });
  expect_error(ErrorKind::kIo, "nowhere", [&] { write_json_file(folder.path() / "nowhere" / "a.json", 1); });
}

}  // namespace
}  // namespace instructme
