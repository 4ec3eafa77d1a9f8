#include <torch/torch.h>
// The precompiled torch header comes first.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/strings.h"
#include "instructme/edit/file_edit.h"
#include "session_test_support.h"

namespace instructme {
namespace {

TEST_F(SessionTest, ComesBackFromItsFolder) {
  std::vector<float> mix;
  {
    Session session = begin();
    apply(session, "remove the bass and add a violin");
    session.level(id_of(session, "violin"), -3);
    mix = session.render().samples;
  }
  Session again = Session::open(session_path());
  EXPECT_EQ(again.render().samples, mix);
  const WrittenLike written = again.export_mix(path("out.wav"), path("layers"));
  EXPECT_TRUE(written.notes.empty());
  const AudioInfo info = probe_audio(path("out.wav"));
  EXPECT_EQ(info.bit_depth, 16);
  EXPECT_EQ(info.tags.at("title"), "Song");
  const auto sum_of_stems = [&](int expected) {
    AudioBuffer sum{24000, 2, std::vector<float>(mix.size(), 0.0f)};
    int files = 0;
    for (const auto& entry : fs::directory_iterator(path("layers")))
      if (entry.path().extension() != ".json") add_audio(sum, read_audio(entry.path())), ++files;
    EXPECT_EQ(files, expected);
    EXPECT_EQ(read_json_file(path("layers/stems.json"))["stems"].size(), static_cast<size_t>(files));
    return sum.samples;
  };
  EXPECT_EQ(sum_of_stems(3), mix);
  // Those of an export before it would not belong to the sum.
  again.mute(id_of(again, "violin"), true);
  write_audio(path("layers/mine.wav"), {24000, 2, std::vector<float>(mix.size(), 0.0f)});
  again.export_mix(path("out.wav"), path("layers"));
  EXPECT_TRUE(fs::remove(path("layers/mine.wav"))) << "a file of somebody else";
  EXPECT_EQ(sum_of_stems(2), again.render().samples);
}

TEST_F(SessionTest, TheMixIsNoneOfItsLayers) {
  const Session session = begin();
  for (const char* output : {"layers/00_music.wav", "layers/../layers/00_music.flac"})
    expect_error(ErrorKind::kUsage, "where a layer of that name would be written",
                 [&] { session.export_mix(path(output), path("layers")); });
  EXPECT_FALSE(fs::exists(path("layers")));
  fs::create_directory(path("layers"));
  session.export_mix(path("layers/mix.wav"), path("layers"));
  EXPECT_EQ(read_audio(path("layers/mix.wav")).samples, source_.samples);
}

TEST_F(SessionTest, StemsOfAnExportThatWasStoppedAreListed) {
  Session session = begin();
  apply(session, "add a violin");
  fs::create_directories(path("layers/01_violin.flac"));  // so that the second stem cannot be written
  expect_error(ErrorKind::kIo, "01_violin.flac", [&] { session.export_mix(path("out.wav"), path("layers")); });
  EXPECT_EQ(read_json_file(path("layers/stems.json"))["stems"], nlohmann::json::parse(R"(["00_music.flac"])"));
  fs::remove(path("layers/01_violin.flac"));
  session.mute(0, true);
  session.export_mix(path("out.wav"), path("layers"));
  EXPECT_FALSE(fs::exists(path("layers/00_music.flac")));
}

TEST_F(SessionTest, FilesThatKnowNothingOfBeatsNotesAndLevelsAreRead) {
  {
    Session session = begin();
    apply(session, "add a violin");
  }
  for (const char* name : {"nodes/000000.json", "nodes/000001.json"}) {
    nlohmann::json node = read_json_file(session_path() / name);
    for (const char* key : {"beats", "notes"}) EXPECT_EQ(node.erase(key), 1u);
    for (nlohmann::json& layer : node["layers"])
      for (const char* key : {"level_db", "soloed"}) EXPECT_EQ(layer.erase(key), 1u);
    write_json_file(session_path() / name, node);
  }
  Session session = Session::open(session_path());
  EXPECT_EQ(session.layers().back().level_db, 0);
  EXPECT_FALSE(session.layers().back().soloed);
  session.reroll(editor);
  EXPECT_EQ(session.layers().size(), 2u);
}

TEST_F(SessionTest, NothingIsWrittenIntoTheSession) {
  Session session = begin();
  const std::string music = read_text_file(session.music());
  fs::create_directory_symlink(session_path(), path("link"));
  fs::create_symlink(session.music(), path("other.wav"));
  fs::create_symlink(path("elsewhere.wav"), session_path() / "way_out.wav");
  for (const fs::path& output :
       {session.music(), fs::relative(session.music()), session_path() / "new.wav",
        session_path() / "stems" / "new.wav", session_path() / "way_out.wav", path("link") / "music.wav",
        path("link") / "new.wav", path("other.wav"), path("nowhere") / ".." / "session" / "music.wav"})
    expect_error(ErrorKind::kUsage, "inside of the session", [&] { session.export_mix(output); });
  for (const fs::path& stems : {session_path(), session_path() / "stems", path("link") / "new"})
    expect_error(ErrorKind::kUsage, "inside of the session", [&] { session.export_mix(path("out.wav"), stems); });
  EXPECT_FALSE(fs::exists(path("out.wav")));
  EXPECT_EQ(read_text_file(session.music()), music);
  EXPECT_EQ(session.render().samples, source_.samples);
  // A name that begins like that of the session is another place, and so is the folder around it.
  session.export_mix(path("session.wav"), path("session-layers"));
  session.export_mix(path("out.wav"), folder_.path());
  EXPECT_EQ(read_audio(path("out.wav")).samples, source_.samples);
}

TEST_F(SessionTest, ABeginningThatFailsLeavesNothingBehind) {
  // A name so long that the system has no room for that of the copy.
  const fs::path music = path("s." + std::string(250, 'w'));
  fs::copy_file(path("song.wav"), music);
  expect_error(ErrorKind::kIo, "cannot write", [&] { Session::create(session_path(), music); });
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2);  // the music, twice
}

TEST_F(SessionTest, TheMusicIsAsLongAsItsSound) {
  AudioBuffer noise{24000, 2, {}};
  Rng rng(5);
  for (int i = 0; i < 2 * 4 * 24000; ++i) noise.samples.push_back(static_cast<float>(rng.uniform(-0.2, 0.2)));
  write_audio(path("song.mp3"), noise);
  // Without the header that counts its frames the length of an MP3 is an estimate.
  std::string bytes = read_text_file(path("song.mp3"));
  bytes.replace(std::min(bytes.find("Xing"), bytes.find("Info")), 4, 4, '\0');
  write_file_atomically(path("song.mp3"), bytes);
  const Session session = Session::create(session_path(), path("song.mp3"));
  const double seconds = read_audio(session.music()).seconds();
  ASSERT_GT(std::abs(probe_audio(session.music()).seconds() - seconds), 1);
  EXPECT_EQ(session.music_info().seconds(), seconds);
  EXPECT_EQ(session.music_info().extension, ".mp3");
  // So chords that end with the sound are those of this music.
  write_file_atomically(path("chords.lab"), format("0 %.3f C:maj\n", seconds));
  FileEditRequest request{.file = session.music(), .sentence = "add a violin"};
  request.chords = path("chords.lab");
  EXPECT_EQ(FileEdit(request).options_for(session.music_info()).chords.size(), 1u);
}

TEST_F(SessionTest, WhereTheHeaderTellsTheLengthTheSoundIsNotRead) {
  const Session session = begin();
  std::string bytes = read_text_file(session.music());
  bytes[bytes.size() / 2] ^= 1;
  write_file_atomically(session.music(), bytes);
  EXPECT_EQ(session.music_info().frames, source_.frames());
  expect_error(ErrorKind::kInput, "have changed", [&] { session.render(); });
}

TEST_F(SessionTest, OneProcessAtATime) {
  Session session = begin();
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      Session::open(session_path());
    } catch (const Error& error) {
      ::_exit(std::string(error.what()).find("in use by another process") != std::string::npos ? 7 : 8);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

/// What a session may look like after a crash: every file that a change writes, but the later ones missing.
TEST_F(SessionTest, ACrashAtAnyMomentLeavesBeforeOrAfter) {
  std::vector<float> before, after;
  std::vector<fs::path> old_files;
  std::string old_state;
  {
    Session session = begin();
    apply(session, "add a violin");
    before = session.render().samples;
    old_state = read_text_file(session_path() / "state.json");
    for (const auto& entry : fs::recursive_directory_iterator(session_path())) old_files.push_back(entry.path());
    apply(session, "replace the bass with a piano");
    after = session.render().samples;
  }
  ASSERT_NE(before, after);
  const std::string new_state = read_text_file(session_path() / "state.json");
  EXPECT_EQ(Session::open(session_path()).render().samples, after);
  // Before the state was written: node and stems are there, but nobody stands on them.
  write_file_atomically(session_path() / "state.json", old_state);
  write_file_atomically(session_path() / "nodes" / ".000002.part-1.json", "{");  // and half of a file
  {
    Session session = Session::open(session_path());
    EXPECT_EQ(session.render().samples, before);
    apply(session, "replace the bass with a piano");
    EXPECT_EQ(session.render().samples, after);
    session.undo();
  }
  // Before the node was written: only stems.
  fs::remove(session_path() / "nodes" / "000003.json");
  fs::remove(session_path() / "nodes" / "000002.json");
  write_file_atomically(session_path() / "state.json", old_state);
  Session session = Session::open(session_path());
  EXPECT_EQ(session.render().samples, before);
  apply(session, "replace the bass with a piano");
  EXPECT_EQ(session.render().samples, after);
}

TEST_F(SessionTest, DamageIsNamed) {
  {
    Session session = begin();
    apply(session, "add a violin");
  }
  const auto refused = [&](const std::string& part) {
    SCOPED_TRACE(part);
    expect_error(ErrorKind::kInput, part, [&] { Session::open(session_path()).render(); });
  };
  const auto with = [&](const std::string& name, const std::string& text, const std::string& part) {
    const std::string old = read_text_file(session_path() / name);
    write_file_atomically(session_path() / name, text);
    refused(part);
    write_file_atomically(session_path() / name, old);
  };
  std::string stem;
  for (const auto& entry : fs::directory_iterator(session_path() / "stems"))
    stem = "stems/" + entry.path().filename().string();
  const std::string sound = read_text_file(session_path() / stem);
  with(stem, sound.substr(0, 100), "has 100 bytes instead of");
  std::string changed = sound;
  changed[changed.size() / 2] ^= 1;
  with(stem, changed, "have changed");
  with("state.json", "{", "state.json cannot be understood");
  with("state.json", R"({"head": 9, "branch": "main", "branches": {"main": 9}, "redo": []})",
       "a change that is not there");
  with("nodes/000001.json", R"({"id": 1})", "damaged");
  with("session.json", R"({"format": "instructme-session", "version": 2})", "newer version");
  with("session.json", R"({"format": "other", "version": 1})", "is not of a session");
  with("session.json", R"({"format": 3, "version": 1})", "key 'format' has an unsuitable value 3");
  with("session.json", R"({"format": "instructme-session"})", "key 'version' is missing");
  with("session.json", R"({"format": "instructme-session", "version": "1"})", "key 'version' has an unsuitable value");
  with("session.json", R"({"format": "instructme-session", "version": 0})", "is not of a session");
  with("session.json", R"({"format": "instructme-session", "version": 4294967297})", "newer version");
  with("session.json", "[]", "expected a JSON object");
  for (const char* key : {"beats", "notes"}) {
    nlohmann::json node = read_json_file(session_path() / "nodes/000001.json");
    for (const char* lines : {"0.5 1", "one 0 1 0\n", "0.5 0 0 80 7\n"}) {
      node[key] = lines;
      with("nodes/000001.json", node.dump(), std::string(key) + " cannot be understood");
    }
  }
  fs::rename(session_path() / stem, path("elsewhere"));
  refused(stem + " is missing");
  fs::rename(path("elsewhere"), session_path() / stem);
  fs::remove(session_path() / "nodes" / "000000.json");
  refused("nodes/000000.json is missing");
  expect_error(ErrorKind::kInput, "there is no session", [&] { Session::open(path("nowhere")); });
  fs::create_directory(path("empty"));
  expect_error(ErrorKind::kInput, "is no session", [&] { Session::open(path("empty")); });
  EXPECT_TRUE(fs::is_empty(path("empty")));
  expect_error(ErrorKind::kUsage, "exists", [&] { Session::create(session_path(), path("song.wav")); });
  expect_error(ErrorKind::kInput, "does not exist", [&] { Session::create(path("new"), path("absent.wav")); });
  EXPECT_FALSE(fs::exists(path("new")));
}

}  // namespace
}  // namespace instructme
