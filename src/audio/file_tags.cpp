#include "file_tags.h"

#include <aifffile.h>
#include <attachedpictureframe.h>
#include <fileref.h>
#include <flacfile.h>
#include <id3v2tag.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tpropertymap.h>
#include <vorbisfile.h>
#include <wavfile.h>
#include <xiphcomment.h>

#include <vector>

#include "instructme/base/error.h"

namespace instructme {
namespace {

/// A cover or the like. The kinds of FLAC and of ID3 have the same numbers.
struct Picture {
  TagLib::String mime, description;
  int kind = 0;
  TagLib::ByteVector data;
};

TagLib::ID3v2::Tag* id3_of(TagLib::File* file, bool create) {
  if (auto* const mp3 = dynamic_cast<TagLib::MPEG::File*>(file)) return mp3->ID3v2Tag(create);
  if (auto* const wav = dynamic_cast<TagLib::RIFF::WAV::File*>(file)) return wav->ID3v2Tag();
  if (auto* const aiff = dynamic_cast<TagLib::RIFF::AIFF::File*>(file)) return aiff->tag();
  return nullptr;
}

TagLib::Ogg::XiphComment* comment_of(TagLib::File* file) {
  if (auto* const vorbis = dynamic_cast<TagLib::Ogg::Vorbis::File*>(file)) return vorbis->tag();
  if (auto* const opus = dynamic_cast<TagLib::Ogg::Opus::File*>(file)) return opus->tag();
  return nullptr;
}

std::vector<Picture> pictures_of(TagLib::File* file) {
  std::vector<Picture> pictures;
  TagLib::List<TagLib::FLAC::Picture*> blocks;
  if (auto* const flac = dynamic_cast<TagLib::FLAC::File*>(file)) blocks = flac->pictureList();
  if (auto* const comment = comment_of(file)) blocks = comment->pictureList();
  for (const TagLib::FLAC::Picture* block : blocks)
    pictures.push_back({block->mimeType(), block->description(), block->type(), block->data()});
  if (const TagLib::ID3v2::Tag* const id3 = id3_of(file, false))
    for (TagLib::ID3v2::Frame* frame : id3->frameList("APIC"))
      if (const auto* const picture = dynamic_cast<TagLib::ID3v2::AttachedPictureFrame*>(frame))
        pictures.push_back({picture->mimeType(), picture->description(), picture->type(), picture->picture()});
  return pictures;
}

/// The file owns what is added to it.
void add_picture(TagLib::File* file, const Picture& picture) {
  if (TagLib::ID3v2::Tag* const id3 = id3_of(file, true)) {
    auto* const frame = new TagLib::ID3v2::AttachedPictureFrame;
    frame->setMimeType(picture.mime);
    frame->setDescription(picture.description);
    frame->setType(static_cast<TagLib::ID3v2::AttachedPictureFrame::Type>(picture.kind));
    frame->setPicture(picture.data);
    id3->addFrame(frame);
    return;
  }
  auto* const flac = dynamic_cast<TagLib::FLAC::File*>(file);
  TagLib::Ogg::XiphComment* const comment = comment_of(file);
  if (flac == nullptr && comment == nullptr) return;
  auto* const block = new TagLib::FLAC::Picture;
  block->setMimeType(picture.mime);
  block->setDescription(picture.description);
  block->setType(static_cast<TagLib::FLAC::Picture::Type>(picture.kind));
  block->setData(picture.data);
  flac != nullptr ? flac->addPicture(block) : comment->addPicture(block);
}

}  // namespace

void copy_tags(const std::filesystem::path& from, const std::filesystem::path& to) {
  const TagLib::FileRef source(from.c_str(), /*readAudioProperties=*/false);
  if (source.isNull()) return;
  const TagLib::PropertyMap properties = source.file()->properties();
  const std::vector<Picture> pictures = pictures_of(source.file());
  if (properties.isEmpty() && pictures.empty()) return;
  TagLib::FileRef target(to.c_str(), /*readAudioProperties=*/false);
  if (target.isNull()) return;
  // What a WAV file holds without an ID3 tag has been written already.
  const auto* const wav = dynamic_cast<TagLib::RIFF::WAV::File*>(source.file());
  if (wav != nullptr && !wav->hasID3v2Tag() && dynamic_cast<TagLib::RIFF::WAV::File*>(target.file()) != nullptr) return;
  target.file()->setProperties(properties);
  for (const Picture& picture : pictures) add_picture(target.file(), picture);
  if (!target.save()) throw Error(ErrorKind::kIo, "the tags of " + from.string() + " cannot be written");
}

}  // namespace instructme
