#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace instructme {

struct Colour {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Colour&) const = default;
};

inline constexpr Colour kWhite{255, 255, 255};
inline constexpr Colour kBlack{0, 0, 0};

/// A picture of width W and height H pixels; `rgb` holds H rows of W pixels of 3 bytes, top row first.
/// Pixel (x, y) is x from the left and y from the top. All drawing clips at the edges.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;

  Image() = default;
  /// Throws kInternal when a side is below 1 or above 32768.
  Image(int width, int height, Colour fill = kWhite);

  bool contains(int x, int y) const { return x >= 0 && y >= 0 && x < width && y < height; }
  /// Throws kInternal outside the picture.
  Colour at(int x, int y) const;
  void set(int x, int y, Colour colour);
  /// Mixes `colour` over the pixel with opacity in [0, 1].
  void blend(int x, int y, Colour colour, double opacity);
};

/// Whether this program was built with libpng; without it, write_png throws kMissing.
bool can_write_png();

/// Writes an 8-bit RGB PNG atomically. Throws kIo when it cannot be written, kInternal when the image
/// is empty or its bytes do not fit its size.
void write_png(const std::filesystem::path& path, const Image& image);

/// An anti-aliased line between two pixel centres, `thickness` in pixels.
void draw_line(Image& image, double x0, double y0, double x1, double y1, Colour colour, double thickness = 1.0);
void fill_rectangle(Image& image, int x, int y, int width, int height, Colour colour);
/// The outline, one pixel wide, inside the given box.
void draw_rectangle(Image& image, int x, int y, int width, int height, Colour colour);
/// A filled disc, anti-aliased.
void draw_disc(Image& image, double x, double y, double radius, Colour colour);

enum class TextDirection {
  kRight,  ///< as usual; (x, y) is the top left corner
  kUp,     ///< turned a quarter to the left; (x, y) is the bottom left corner
};

/// Text in a built-in bitmap font: 5 by 7 pixels a letter (2 more below the line), times `scale`.
/// Printable ASCII; anything else is drawn as one '?' per UTF-8 character.
void draw_text(Image& image, int x, int y, std::string_view text, Colour colour, int scale = 1,
               TextDirection direction = TextDirection::kRight);
/// Width in pixels of the text as drawn.
int text_width(std::string_view text, int scale = 1);
/// Height in pixels of capitals and digits; letters such as 'g' go 2 * scale below.
int text_height(int scale = 1);

/// One image under the other, as wide as the widest, the rest filled with `fill`. Throws kInternal
/// for an empty list.
Image stack_vertically(const std::vector<Image>& images, Colour fill = kWhite);

}  // namespace instructme
