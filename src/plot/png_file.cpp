#include <png.h>

#include <string>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/plot/image.h"

namespace instructme {

bool can_write_png() { return true; }

void write_png(const std::filesystem::path& path, const Image& image) {
  ensure(image.width >= 1 && image.height >= 1 &&
             image.rgb.size() == size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height),
         "the image for " + path.string() + " is empty or its bytes do not fit its size");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string encoded(size, '\0');
  if (png_image_write_to_memory(&header, encoded.data(), &size, 0, image.rgb.data(), 0, nullptr) == 0)
    throw Error(ErrorKind::kIo, "cannot write " + path.string() + ": the PNG encoder says " + header.message);
  write_file_atomically(path, std::string_view(encoded).substr(0, size));
}

}  // namespace instructme
