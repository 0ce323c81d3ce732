import Archives
import Foundation
import Media
import Torch

/// The words of a set's pictures.
struct Captions {
  /// As many as the gallery has candidates.
  let words: [String]
  /// How many are written in files of their own, and how many are taken from names of files or folders.
  let written: Int, named: Int

  static let endings = ["txt", "caption"]
  /// More isn't a caption.
  private static let mostBytes = 1 << 20

  /// Of NAME.txt or NAME.caption beside each picture, else of its name, else of its folder's.
  ///
  /// - Throws: `LargeError.unreadableCaption`, `ArchiveError`.
  init(of gallery: Gallery) throws {
    let texts = try gallery.isArchive ? Self.archived(in: gallery) : [:]
    var (words, written, named) = ([String](), 0, 0)
    for candidate in gallery.candidates {
      let stem = (candidate.name as NSString).deletingPathExtension
      let found = try gallery.isArchive ? texts[stem] : Self.file(beside: candidate)
      if let found {
        written += 1
        words.append(found)
      } else {
        let own = Self.spoken(stem)
        named += own.isEmpty ? 0 : 1
        words.append(own)
      }
    }
    (self.words, self.written, self.named) = (words, written, named)
  }

  /// What an artist should know about them.
  var sentence: String {
    let count = words.count, silent = count - written - named
    var parts: [String] = []
    if written > 0 { parts.append("\(grouped(written)) from .txt or .caption files beside them") }
    if named > 0 { parts.append("\(grouped(named)) from their names or folders") }
    guard !parts.isEmpty else {
      return "None of the \(counted(count, "picture")) has words: write NAME.txt beside NAME.png."
    }
    return "\(grouped(count - silent)) of \(counted(count, "picture")) have words: \(parts.joined(separator: ", "))."
  }

  /// The caption that is trained: with the trigger word before it.
  static func joined(_ trigger: String, _ words: String) -> String {
    [trigger, words].filter { !$0.isEmpty }.joined(separator: ", ")
  }

  // MARK: Files

  private static func file(beside candidate: Gallery.Candidate) throws -> String? {
    let stem = (candidate.path as NSString).deletingPathExtension
    for ending in endings {
      let path = "\(stem).\(ending)"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      guard let bytes = try? FileBytes.read(path, cap: mostBytes), let text = line(bytes) else {
        throw LargeError.unreadableCaption(path: path)
      }
      return text
    }
    return nil
  }

  /// By the names of the pictures without their endings.
  private static func archived(in gallery: Gallery) throws -> [String: String] {
    var texts: [String: String] = [:]
    var damaged: String?
    try Archive(gallery.path, .zipOrTar).forEach { entry, read throws(ArchiveError) in
      let name = entry.name as NSString
      guard endings.contains(name.pathExtension.lowercased()) else { return true }
      guard let text = line(try read()) else {
        damaged = entry.name
        return false
      }
      if texts[name.deletingPathExtension] == nil { texts[name.deletingPathExtension] = text }
      return true
    }
    if let damaged { throw LargeError.unreadableCaption(path: "\(gallery.path)/\(damaged)") }
    return texts
  }

  /// A file's text in one line; nil where it is no UTF-8.
  private static func line(_ bytes: [UInt8]) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    let plain = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    return plain.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Beginnings of names that cameras give.
  private static let cameras: Set<String> = [
    "img", "dsc", "dscn", "dscf", "pxl", "mvi", "vid", "image", "photo", "scan", "screenshot",
  ]

  /// The words of a name such as "woman-with_red hair (2)"; of its folder where it has none, as in "10_sketch/IMG_0123".
  static func spoken(_ stem: String) -> String {
    for part in stem.split(separator: "/").reversed() {
      let words = part.split { !$0.isLetter && !$0.isNumber && $0 != "'" }
        .filter { word in word.contains(where: \.isLetter) && !word.contains(where: \.isNumber) }
        .filter { word in !cameras.contains(word.lowercased()) }
      if words.contains(where: { $0.count > 1 }) { return words.joined(separator: " ") }
    }
    return ""
  }
}
