import Torch

/// Why a film or a sound can't be read or written. `name` is the file's.
public enum ClipError: Explained, Equatable {
  case missing(name: String)
  /// The system or FFmpeg refuses to read it, in its words.
  case unreadable(name: String, why: String)
  /// Nothing that is read here: a text, a playlist, a picture.
  case notAClip(name: String)
  case noPictures(name: String)
  case noSound(name: String)
  /// It says that it has sound, and has none.
  case emptySound(name: String)
  /// Samples that are no numbers, or beyond any loudness.
  case notNumbers(name: String)
  case tooLarge(name: String, width: Int, height: Int, megapixels: Int)
  case badRate(String)
  /// The name's ending says no format that is written here.
  case badEnding(path: String)
  /// A film can't be written as a picture.
  case filmToPicture(name: String, out: String)
  /// This machine's FFmpeg has no encoder for it.
  case noEncoder(codec: String)
  case mismatch(codec: String, ending: String, fitting: String)
  case noTransparency(codec: String)
  /// Writing fails, in FFmpeg's words.
  case failed(path: String, why: String)

  public var sentence: String {
    switch self {
    case .missing(let name): "\(name) isn't there: check the name."
    case .unreadable(let name, let why): "\(name) can't be read (\(why)): check the file, or make a new copy of it."
    case .notAClip(let name):
      "\(name) isn't a film or a sound that is read here: use MP4, MOV, MKV, WebM, AVI, GIF, WAV, FLAC, Ogg or MP3."
    case .noPictures(let name): "\(name) has sound and no pictures: name a film."
    case .noSound(let name): "\(name) has no sound: name a file that has, or leave it out."
    case .emptySound(let name): "\(name) has no sound in it that can be heard (no samples, or too few): name another."
    case .notNumbers(let name):
      "\(name) has samples that mean nothing (NaN, infinity, or many times louder than the loudest): export it anew, or name another sound."
    case .tooLarge(let name, let width, let height, let cap):
      "\(name) claims \(width) by \(height) pixels, more than \(cap) megapixels: make it smaller first."
    case .badRate(let text):
      "\(text) isn't a rate: use frames a second from 1 to 1000, such as 24, 29.97 or 30000/1001."
    case .badEnding(let path):
      "\(path) doesn't say what to write: let it end in .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or in / for PNGs."
    case .filmToPicture(let name, let out):
      "\(name) is a film, and \(out) a picture: let it end in .mp4, .mov, .mkv, .webm, .gif, .apng, .webp, or in / for PNGs."
    case .noEncoder(let codec): "FFmpeg can't write \(codec) on this machine: choose another --codec."
    case .mismatch(let codec, let ending, let fitting):
      "A .\(ending) file can't hold \(codec): use \(fitting)."
    case .noTransparency(let codec):
      "\(codec) has no transparency: write a .webm (VP9), a .mov with --codec prores, an .apng, a .webp or a folder of PNGs."
    case .failed(let path, let why):
      "\(path) can't be written (\(why)): see that the disk has room, or name another place."
    }
  }

  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .unreadable, .notAClip, .noPictures, .noSound, .emptySound, .notNumbers, .tooLarge: .data
    case .badRate, .badEnding, .filmToPicture, .mismatch, .noTransparency: .usage
    case .noEncoder: .unavailable
    case .failed: .io
    }
  }
}
