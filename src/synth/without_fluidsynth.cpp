// Stands in for the renderer in a program that was built without FluidSynth.
#include "instructme/base/error.h"
#include "instructme/synth/sound_font.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorKind::kMissing,
              "this instructme was built without FluidSynth, so it cannot play scores; install libfluidsynth-dev and "
              "build again, or use songs rendered elsewhere");
}

}  // namespace

std::string synthesizer_version() { return "none"; }

SoundFontInfo inspect_sound_font(const std::filesystem::path&) { refuse(); }

struct StemRenderer::Impl {};

StemRenderer::StemRenderer(StemRendererOptions) { refuse(); }
StemRenderer::~StemRenderer() = default;
StemRenderer::StemRenderer(StemRenderer&&) noexcept = default;
StemRenderer& StemRenderer::operator=(StemRenderer&&) noexcept = default;
const StemRendererOptions& StemRenderer::options() const { refuse(); }
int64_t StemRenderer::frames_of(const Score&) const { refuse(); }
std::vector<std::vector<float>> StemRenderer::render(const Score&, const std::vector<Sound>&) { refuse(); }

}  // namespace instructme
