#include "instructme/plot/image.h"

#include <gtest/gtest.h>
#include <png.h>

#include <fstream>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"

namespace instructme {
namespace {

/// Decodes with libpng's own reader.
Image read_png(const std::filesystem::path& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&header, path.c_str()), 0) << header.message;
  header.format = PNG_FORMAT_RGB;
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  EXPECT_EQ(PNG_IMAGE_SIZE(header), image.rgb.size());
  EXPECT_NE(png_image_finish_read(&header, nullptr, image.rgb.data(), 0, nullptr), 0) << header.message;
  return image;
}

int count(const Image& image, Colour colour) {
  int found = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) found += image.at(x, y) == colour;
  return found;
}

TEST(Png, KeepsEveryPixel) {
  const TempDir folder;
  Rng rng(1);
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 7}, {257, 100}}) {
    Image image(width, height);
    for (auto& byte : image.rgb) byte = static_cast<uint8_t>(rng.integer(0, 255));
    write_png(folder.path() / "noise.png", image);
    const Image back = read_png(folder.path() / "noise.png");
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    EXPECT_EQ(back.rgb, image.rgb);
  }
}

TEST(Png, SaysWhyItCannotWrite) {
  const TempDir folder;
  const Image image(4, 4);
  expect_error(ErrorKind::kIo, "does not exist", [&] { write_png(folder.path() / "none" / "a.png", image); });
  std::ofstream(folder.path() / "file") << "x";
  expect_error(ErrorKind::kIo, "cannot write", [&] { write_png(folder.path() / "file" / "a.png", image); });
  expect_error(ErrorKind::kInternal, "empty", [&] { write_png(folder.path() / "a.png", Image()); });
  Image odd(4, 4);
  odd.rgb.pop_back();
  expect_error(ErrorKind::kInternal, "bytes", [&] { write_png(folder.path() / "a.png", odd); });
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a.png"));
}

TEST(Image, RefusesImpossibleSizesAndPixels) {
  expect_error(ErrorKind::kInternal, "pixels", [] { Image(0, 5); });
  expect_error(ErrorKind::kInternal, "pixels", [] { Image(5, 40000); });
  const Image image(5, 5);
  expect_error(ErrorKind::kInternal, "outside", [&] { image.at(5, 0); });
}

TEST(Image, RectanglesCoverTheirAreaAndClip) {
  Image image(10, 10);
  fill_rectangle(image, 2, 3, 4, 5, kBlack);
  EXPECT_EQ(count(image, kBlack), 20);
  EXPECT_EQ(image.at(2, 3), kBlack);
  EXPECT_EQ(image.at(5, 7), kBlack);
  EXPECT_EQ(image.at(6, 7), kWhite);
  Image corner(10, 10);
  fill_rectangle(corner, -5, -5, 7, 7, kBlack);
  EXPECT_EQ(count(corner, kBlack), 4);
  Image outline(10, 10);
  draw_rectangle(outline, 1, 1, 8, 8, kBlack);
  EXPECT_EQ(count(outline, kBlack), 28);
}

TEST(Image, LinesJoinTheirEndsInEveryDirection) {
  for (const auto& [x1, y1] : {std::pair{30, 20}, {30, 38}, {20, 2}, {3, 15}, {20, 39}, {2, 2}}) {
    Image image(41, 41);
    draw_line(image, 20, 20, x1, y1, kBlack, 1.0);
    EXPECT_LT(image.at(20, 20).r, 30);
    EXPECT_LT(image.at(x1, y1).r, 30);
    EXPECT_LT(image.at((20 + x1) / 2, (20 + y1) / 2).r, 200);
    // The other side of the start stays white.
    const int ox = 20 - (x1 - 20) / 2, oy = 20 - (y1 - 20) / 2;
    EXPECT_EQ(image.at(ox, oy), kWhite) << x1 << " " << y1;
  }
}

TEST(Image, LinesFarOutsideAreCutNotWalked) {
  Image image(50, 50);
  draw_line(image, -1e12, 25, 1e12, 25, kBlack, 1.0);
  for (int x = 0; x < 50; ++x) EXPECT_LT(image.at(x, 25).r, 30);
  Image untouched(50, 50);
  draw_line(untouched, 1e9, 1e9, 2e9, 3e9, kBlack);
  draw_line(untouched, 0, 0, std::nan(""), 5, kBlack);
  EXPECT_EQ(count(untouched, kWhite), 2500);
}

TEST(Text, EveryPrintableLetterHasItsOwnShape) {
  std::vector<std::vector<uint8_t>> seen;
  for (char c = ' '; c <= '~'; ++c) {
    Image image(6, 10);
    draw_text(image, 0, 0, std::string(1, c), kBlack);
    for (const auto& other : seen) EXPECT_NE(image.rgb, other) << "'" << c << "' looks like another letter";
    seen.push_back(image.rgb);
  }
}

TEST(Text, MeasuresWhatItDraws) {
  EXPECT_EQ(text_width(""), 0);
  EXPECT_EQ(text_width("H"), 5);
  EXPECT_EQ(text_width("HH", 2), 22);
  EXPECT_EQ(text_height(3), 21);
  EXPECT_EQ(text_width("\xC3\xA9"), 5) << "one UTF-8 character is one letter";
  Image image(40, 30);
  draw_text(image, 3, 4, "HH", kBlack, 2);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x)
      if (image.at(x, y) == kBlack) {
        EXPECT_TRUE(x >= 3 && x < 25 && y >= 4 && y < 18);
      }
  EXPECT_EQ(image.at(3, 4), kBlack);
  EXPECT_EQ(image.at(24, 17), kBlack);
}

TEST(Text, UpwardsIsAQuarterTurn) {
  Image level(30, 30), turned(30, 30);
  draw_text(level, 0, 0, "Fg7", kBlack, 1);
  draw_text(turned, 0, 29, "Fg7", kBlack, 1, TextDirection::kUp);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 30; ++x) EXPECT_EQ(level.at(x, y), turned.at(y, 29 - x));
}

TEST(Stack, KeepsTheImagesUnderEachOther) {
  const Image stacked = stack_vertically({Image(4, 2, kBlack), Image(6, 3, {255, 0, 0})});
  EXPECT_EQ(stacked.width, 6);
  EXPECT_EQ(stacked.height, 5);
  EXPECT_EQ(stacked.at(3, 1), kBlack);
  EXPECT_EQ(stacked.at(4, 1), kWhite);
  EXPECT_EQ(stacked.at(5, 4), (Colour{255, 0, 0}));
  expect_error(ErrorKind::kInternal, "no image", [] { stack_vertically({}); });
}

}  // namespace
}  // namespace instructme
