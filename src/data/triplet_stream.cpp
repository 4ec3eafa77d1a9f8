#include "instructme/data/triplet_stream.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

using Clock = std::chrono::steady_clock;
using Group = std::vector<LabelledTriplet>;

constexpr int kSongsToTry = 20;
constexpr int kGroupsToTry = 8;
constexpr auto kLookForCancel = std::chrono::milliseconds(200);

}  // namespace

SongSupply rendered_songs(const RenderOptions& options, Composer composer, std::shared_ptr<const Palette> palette,
                          const Lexicon& lexicon) {
  return {options.sample_rate, [=, &lexicon]() -> SongSource {
            auto renderer = std::make_shared<SongRenderer>(options, composer, palette, lexicon);
            return [renderer](uint64_t number) {
              std::vector<RenderedSong> songs;
              songs.push_back(renderer->render(number));
              return std::make_shared<const SongSet>(std::move(songs));
            };
          }};
}

SongSupply stored_songs(std::shared_ptr<const SongSet> songs) {
  const int rate = songs->sample_rate();
  return {rate, [songs = std::move(songs)]() -> SongSource { return [songs](uint64_t) { return songs; }; }};
}

nlohmann::json to_json(const StreamOptions& options) {
  const TripletOptions& t = options.triplets;
  return {{"seed", options.seed},
          {"songs_per_block", options.songs_per_block},
          {"triplets_per_song", options.triplets_per_song},
          {"triplets",
           {{"seconds", t.seconds},
            {"proportions", t.proportions},
            {"chord_frame_rate", t.chord_frame_rate},
            {"silence_db", t.silence_db},
            {"source_level_db", t.source_level_db},
            {"most_rise_db", t.most_rise_db},
            {"stem_gain_db", t.stem_gain_db},
            {"phrase_probability", t.phrase_probability},
            {"pair_probability", t.pair_probability},
            {"part_probability", t.part_probability},
            {"genre_probability", t.genre_probability},
            {"tags_probability", t.tags_probability},
            {"requests", t.requests},
            {"separate_clips", t.separate_clips},
            {"unnamed_probability", t.unnamed_probability},
            {"siblings", t.siblings}}}};
}

struct TripletStream::State {
  // A block under way; its songs are made by any thread in any order.
  struct Block {
    int started = 0, finished = 0;          // songs
    std::vector<std::vector<Group>> songs;  // until all are finished
    std::vector<LabelledTriplet> examples;  // afterwards
    std::vector<bool> taken;                // examples handed out
    int64_t left = 0;                       // not handed out
    std::exception_ptr failure;
  };
  using Blocks = std::map<int64_t, std::shared_ptr<Block>>;

  StreamOptions options;
  SongSupply supply;
  const Lexicon& lexicon;
  CancelToken cancel;
  Rng rng;

  mutable std::mutex mutex;  // guards everything below
  std::condition_variable changed;
  Blocks blocks;
  std::map<int64_t, int> awaited;  // blocks that somebody waits for, and how many do
  int64_t focus = -1;              // the block asked for last
  double waited_s = 0;
  int64_t made = 0, refused = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  State(StreamOptions o, SongSupply s, const Lexicon& l, CancelToken c)
      : options(std::move(o)), supply(std::move(s)), lexicon(l), cancel(c), rng(options.seed) {}

  int64_t block_size() const { return int64_t{options.songs_per_block} * options.triplets_per_song; }

  std::vector<Group> draw(const SongSet& songs, int64_t song) const {
    const TripletSampler sampler(songs, lexicon, options.triplets);
    const Rng own = rng.fork("triplets").fork(static_cast<uint64_t>(song));
    std::vector<Group> groups;
    int failures = 0;
    size_t count = 0;
    for (uint64_t g = 0; count < static_cast<size_t>(options.triplets_per_song); ++g) {
      Rng group_rng = own.fork(g);
      Group group;
      try {
        for (Triplet& triplet : sampler.sample_group(group_rng)) {
          if (count == static_cast<size_t>(options.triplets_per_song)) break;
          ClipInfo clip = clip_info(songs, triplet);
          triplet.song = static_cast<size_t>(song);
          group.push_back({std::move(triplet), std::move(clip)});
          ++count;
        }
      } catch (const Error& error) {
        // Some operations may be impossible in a song; one without any is given up.
        if (error.kind() != ErrorKind::kInput || ++failures == kGroupsToTry) throw;
        continue;
      }
      groups.push_back(std::move(group));
    }
    return groups;
  }

  std::vector<Group> make_song(int64_t song, SongSource& source) {
    // 48 bits, which a double holds, as some readers of JSON have nothing else.
    const uint64_t first = rng.fork("songs").fork(static_cast<uint64_t>(song)).next() >> 16;
    for (uint64_t attempt = 0;; ++attempt) {
      try {
        const std::shared_ptr<const SongSet> songs = source(first + attempt);
        return draw(*songs, song);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
        const std::lock_guard lock(mutex);
        ++refused;
        if (attempt + 1 == kSongsToTry)
          throw Error(ErrorKind::kInput,
                      format("None of %d songs can be used for training; the last: %s", kSongsToTry, error.what()));
      }
    }
  }

  // The first song that nobody has begun, of the blocks wanted now; with the mutex held.
  std::shared_ptr<Block> next_song(int64_t& song) {
    for (auto& [number, block] : blocks)
      if (block->started < options.songs_per_block && !block->failure &&
          (number >= focus || awaited.contains(number))) {
        song = number * options.songs_per_block + block->started++;
        return block;
      }
    return nullptr;
  }

  void finish(Block& block, int64_t number) {
    std::vector<std::pair<size_t, size_t>> order;
    for (size_t s = 0; s < block.songs.size(); ++s)
      for (size_t g = 0; g < block.songs[s].size(); ++g) order.emplace_back(s, g);
    Rng order_rng = rng.fork("order").fork(static_cast<uint64_t>(number));
    order_rng.shuffle(order);
    for (const auto& [s, g] : order)
      for (LabelledTriplet& triplet : block.songs[s][g]) block.examples.push_back(std::move(triplet));
    block.songs.clear();
    block.left = block_size();
    block.taken.assign(static_cast<size_t>(block.left), false);
  }

  void work() {
    SongSource source;
    std::unique_lock lock(mutex);
    while (true) {
      int64_t song = 0;
      std::shared_ptr<Block> block;
      changed.wait(lock, [&] { return stopping || (block = next_song(song)) != nullptr; });
      if (stopping) return;
      lock.unlock();
      std::vector<Group> groups;
      std::exception_ptr failure;
      try {
        cancel.check();
        if (!source) source = supply.start();
        groups = make_song(song, source);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure) {
        block->failure = failure;
      } else {
        ++made;
        block->songs.resize(static_cast<size_t>(options.songs_per_block));
        block->songs[static_cast<size_t>(song % options.songs_per_block)] = std::move(groups);
        if (++block->finished == options.songs_per_block) finish(*block, song / options.songs_per_block);
      }
      changed.notify_all();
    }
  }

  // Wants block `number` and those after it, and forgets those far from it; with the mutex held.
  void look_at(int64_t number) {
    focus = number;
    for (int64_t b = number; b <= number + options.blocks_ahead; ++b)
      if (!blocks.contains(b)) blocks.emplace(b, std::make_shared<Block>());
    std::erase_if(blocks, [&](const auto& entry) {
      const auto& [b, block] = entry;
      const bool consumed = !block->taken.empty() && block->left == 0;
      // A block on either side more, for threads that are a little behind or in front.
      const bool near = b >= number - (consumed ? 0 : 1) && b <= number + options.blocks_ahead + 1;
      return !near && !awaited.contains(b);
    });
    changed.notify_all();
  }

  LabelledTriplet at(int64_t index) {
    const int64_t number = index / block_size();
    std::unique_lock lock(mutex);
    if (number != focus || !blocks.contains(number)) look_at(number);
    const std::shared_ptr<Block> block = blocks.at(number);
    const auto ready = [&] { return block->failure || !block->taken.empty(); };
    if (!ready()) {
      ++awaited[number];
      const auto start = Clock::now();
      while (!changed.wait_for(lock, kLookForCancel, ready) && !cancel.requested()) {
      }
      waited_s += std::chrono::duration<double>(Clock::now() - start).count();
      if (--awaited[number] == 0) awaited.erase(number);
    }
    cancel.check();
    if (block->failure) std::rethrow_exception(block->failure);
    const auto place = static_cast<size_t>(index % block_size());
    if (!block->taken[place]) --block->left;
    block->taken[place] = true;
    lock.unlock();  // a finished block does not change
    return block->examples[place];
  }
};

TripletStream::TripletStream(StreamOptions options, SongSupply supply, const Lexicon& lexicon, CancelToken cancel) {
  if (options.songs_per_block < 1 || options.triplets_per_song < 1 || options.blocks_ahead < 0)
    throw Error(ErrorKind::kUsage, "A block of a stream needs at least one song and one triplet of it.");
  if (options.threads < 1 || options.threads > 1024)
    throw Error(ErrorKind::kUsage, format("A stream needs 1 to 1024 threads, not %d.", options.threads));
  const int threads = options.threads;
  state_ = std::make_unique<State>(std::move(options), std::move(supply), lexicon, cancel);
  state_->threads.reserve(static_cast<size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) state_->threads.emplace_back([state = state_.get()] { state->work(); });
  } catch (const std::system_error&) {
    // With fewer the examples are the same, but later.
    if (state_->threads.empty())
      throw Error(ErrorKind::kMissing, "The system gives no thread to make songs on; end other programs.");
  }
}

TripletStream::~TripletStream() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int TripletStream::sample_rate() const { return state_->supply.sample_rate; }
int64_t TripletStream::block_size() const { return state_->block_size(); }

LabelledTriplet TripletStream::at(int64_t index) {
  ensure(index >= 0, "a stream has no examples before the first");
  return state_->at(index);
}

double TripletStream::waited_s() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waited_s;
}

int64_t TripletStream::songs_made() const {
  const std::lock_guard lock(state_->mutex);
  return state_->made;
}

int64_t TripletStream::songs_refused() const {
  const std::lock_guard lock(state_->mutex);
  return state_->refused;
}

}  // namespace instructme
