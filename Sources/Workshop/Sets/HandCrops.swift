import Archives
import Foundation
import Media
import Torch

/// Which parts of pictures are used: `cat.png.crop` beside `cat.png` holds four numbers from 0 to 1, the rectangle's left, top, width and height
/// in parts of the upright picture's sides.
///
/// The picture itself stays as it is, and whole again when that file is taken away.
struct HandCrops: Sendable {
  struct Place: Sendable {
    /// Empty in an archive, where `number` tells it.
    let file: FilePath
    let number: Int
  }

  /// Of all that is used of each picture, what a hash tells apart; nil without a crop.
  let digest: String?
  private let parts: [String: PicturePart]
  var count: Int { parts.count }

  subscript(_ picture: String) -> PicturePart? { parts[picture] }

  /// - Returns: nil where the file is named otherwise.
  static func picture(ofFile name: String) -> String? {
    let ending = ".crop"
    guard name.hasSuffix(ending), FoundFiles.isPictureName(String(name.dropLast(ending.count))) else { return nil }
    return String(name.dropLast(ending.count))
  }

  /// Of one picture.
  static func beside(_ path: String) -> [String: Place] {
    let file = path + ".crop"
    return access(file, F_OK) == 0
      ? [(path as NSString).lastPathComponent: Place(file: FilePath(file), number: 0)] : [:]
  }

  /// - Throws: `HandCropError`, `ArchiveError`.
  init(of gallery: Gallery) throws {
    // Those of pictures that aren't there stay, too: a picture may be set aside and come back.
    let there = Set(gallery.candidates.map(\.name))
    let places = gallery.crops.filter { there.contains($0.key) }
    var parts: [String: PicturePart] = [:]
    func take(_ picture: String, _ bytes: [UInt8]?) throws(HandCropError) {
      guard let text = bytes.flatMap({ String(validating: $0, as: UTF8.self) }), let part = PicturePart(text) else {
        throw .unreadable(path: gallery.kind == .file ? gallery.path + ".crop" : "\(gallery.path)/\(picture).crop")
      }
      parts[picture] = part
    }
    if gallery.isArchive, !places.isEmpty {
      let byNumber = Dictionary(uniqueKeysWithValues: places.map { ($1.number, $0) })
      var failure: HandCropError?
      try Archive(gallery.path, .zipOrTar).forEach { entry, read throws(ArchiveError) in
        guard let picture = byNumber[entry.number] else { return true }
        let bytes = try read()
        do throws(HandCropError) { try take(picture, bytes) } catch { failure = error }
        return failure == nil
      }
      if let failure { throw failure }
    } else {
      for (picture, place) in places { try take(picture, try? FileBytes.read(place.file, cap: 1024)) }
    }
    self.parts = parts
    let words = parts.sorted { $0.key < $1.key }.map { "\($0)\0\($1.left) \($1.top) \($1.width) \($1.height)" }
    digest = parts.isEmpty ? nil : Digest.sha256(words.joined(separator: "\0"))
  }
}

extension Decoding {
  /// Of a part of the picture.
  func of(_ part: PicturePart?) -> Decoding {
    var decoding = self
    decoding.part = part
    return decoding
  }
}

/// Why a file of a crop can't be used.
public enum HandCropError: Explained, Equatable {
  case unreadable(path: String)

  public var sentence: String {
    switch self {
    case .unreadable(let path):
      "\(path) isn't a crop: write four numbers from 0 to 1 (left, top, width, height), or take the file away."
    }
  }
  public var exit: Exit { .data }
}
