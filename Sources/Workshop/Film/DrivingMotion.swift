import Foundation
import Media
import Models
import Torch

/// A motion that pictures can be moved by: the poses of a clip's or a sequence's frames.
struct DrivingMotion {
  let poses: [Mover.Pose]
  /// The first frame, [1, C, S, S] in 0...1, colours multiplied by alpha.
  let first: Tensor
  /// Frames a second; nil where nobody says.
  let rate: FrameRate?

  /// - Parameters:
  ///   - path: a clip; a folder or a zip file of pictures; one picture of a numbered sequence; or, with `frame`, a sheet.
  ///   - sequence: its name, where there are several.
  /// - Throws: `SequenceError`, `AnimateError`, `ClipError`, `GalleryError`, `ArchiveError`.
  init(
    _ path: String, sequence: String?, frame: PictureSize?, by mover: Mover, channels: Int, shouldStop: () -> Bool
  ) throws {
    let watched = Watched(mover, channels: channels)
    if frame == nil, SequenceGallery.isClipName(path) {
      let reader = try ClipReader(path)
      while !shouldStop(), let picture = reader.next(at: reader.facts.rate) { watched.add(picture) }
      guard watched.first != nil || shouldStop() else {
        throw ClipError.unreadable(name: path, why: "it has no frames")
      }
      rate = reader.facts.rate
    } else {
      let only = try Self.only(path, sequence, frame, channels: channels)
      try only.forEachFrame(channels: channels) { if !shouldStop() { watched.add($0) } }
      rate = only.rate
    }
    guard let first = watched.first else { throw SequenceError.noSequences(path: path) }
    (poses, self.first) = (watched.poses, first)
  }

  /// The one sequence that is meant.
  private static func only(
    _ path: String, _ sequence: String?, _ frame: PictureSize?, channels: Int
  ) throws -> FrameSequence {
    let read = try gallery(path, sequence, frame).all(channels: channels)
    if let damaged = read.setAside.first, read.sequences.isEmpty, frame == nil { throw AnimateError.damaged(damaged) }
    if read.sequences.isEmpty, let frame { throw SequenceError.noSheets(path: path, frame: frame) }
    let found =
      read.sequences.count > 1 && sequence != nil ? read.sequences.filter { $0.name == sequence } : read.sequences
    if found.count > 1 { throw AnimateError.several(path, names: found.map(\.name)) }
    guard let only = found.first else {
      throw AnimateError.noSuchSequence(sequence ?? "", in: path, names: read.sequences.map(\.name))
    }
    return only
  }

  private static func gallery(_ path: String, _ sequence: String?, _ frame: PictureSize?) throws -> SequenceGallery {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path.absolutePath, isDirectory: &isFolder)
    guard isThere else { throw GalleryError.missing(path: path.absolutePath) }
    if frame == nil, !isFolder.boolValue,
      PictureFormat.extensions.contains((path as NSString).pathExtension.lowercased())
    {
      guard let found = try SequenceGallery.around(path) else { throw AnimateError.aloneOrSheet(path) }
      return found
    }
    let all = try SequenceGallery(path, frame: frame)
    guard all.names.count > 1, frame == nil || sequence == nil else { return all }
    guard let sequence else { throw AnimateError.several(path, names: all.names) }
    guard all.names.contains(sequence) else { throw AnimateError.noSuchSequence(sequence, in: path, names: all.names) }
    return all.keeping(sequence)
  }
}

/// The poses of frames as they come.
private final class Watched {
  private let mover: Mover
  private let packing: Packing
  private(set) var poses: [Mover.Pose] = []
  private(set) var first: Tensor?

  init(_ mover: Mover, channels: Int) {
    self.mover = mover
    packing = Packing(size: PictureSize(mover.size), crop: .fit, channels: channels, ground: .white)
  }

  func add(_ picture: Picture) {
    let pixels = picture.withChannels(packing.channels).inSquare(mover.size, packing).premultiplied()
    first = first ?? pixels
    poses.append(mover.pose(of: pixels))
  }
}
