import Foundation
import Media
import Models
import Torch

/// A motion that pictures can be moved by: the poses of a clip's or a sequence's frames.
struct DrivingMotion {
  let poses: [Mover.Pose]
  /// The first frame, [1, C, S, S] in 0...1, colours multiplied by alpha.
  let first: Tensor
  /// Frames a second on average; nil where nobody says.
  let rate: FrameRate?
  /// Seconds until which each pose is shown; empty where nobody says.
  let ends: [Double]
  /// The clip, where there is one.
  let clip: ClipReader?, clipPath: String?

  /// - Parameters:
  ///   - path: a clip; a folder or a zip file of pictures; one picture of a numbered sequence; or, with `frame`, a sheet.
  ///   - sequence: its name, where there are several.
  ///   - even: the rate at which a clip's frames are taken, by its mean one; nil for each as it is.
  /// - Throws: `SequenceError`, `AnimateError`, `ClipError`, `GalleryError`, `ArchiveError`.
  init(
    _ path: String, sequence: String?, frame: PictureSize?, by mover: Mover, channels: Int,
    even: (FrameRate) -> FrameRate?, shouldStop: () -> Bool
  ) throws {
    let watched = Watched(mover, channels: channels)
    let isClip = frame == nil && SequenceGallery.isClip(path)
    let gallery = isClip ? nil : try Self.gallery(path, sequence, frame)
    clipPath = isClip ? path : gallery?.onlyClip
    if let clipPath {
      let reader = try ClipReader(clipPath)
      let even = even(reader.facts.rate)
      var ends: [Double] = []
      while !shouldStop(), let found = even.map({ reader.next(at: $0) }) ?? reader.next() {
        watched.add(found.picture)
        ends.append(found.end)
      }
      (rate, self.ends, clip) = (even ?? reader.facts.rate, ends, reader)
    } else {
      let only = try Self.only(gallery!, path, sequence, frame, channels: channels)
      try only.forEachFrame(channels: channels) { if !shouldStop() { watched.add($0) } }
      (rate, ends, clip) = (only.rate, [], nil)
    }
    guard let first = watched.first else { throw SequenceError.noSequences(path: path) }
    (poses, self.first) = (watched.poses, first)
  }

  /// The clip's sound and chapters, where the film has room for them; nil without a clip.
  func sound(for format: ClipFormat?) -> Accompaniment? {
    guard let clip, let clipPath, let format else { return nil }
    let hasSound = format.hasSound && clip.facts.hasSound && (try? SoundReader(clipPath)) != nil
    return Accompaniment(of: clip, at: clipPath, hasSound: hasSound)
  }

  /// The one sequence that is meant.
  private static func only(
    _ gallery: SequenceGallery, _ path: String, _ sequence: String?, _ frame: PictureSize?, channels: Int
  ) throws -> FrameSequence {
    let read = try gallery.all(channels: channels)
    if let damaged = read.setAside.first, read.sequences.isEmpty, frame == nil { throw AnimateError.damaged(damaged) }
    if read.sequences.isEmpty, let frame { throw SequenceError.noSheets(path: path, frame: frame) }
    let found =
      read.sequences.count > 1 && sequence != nil ? read.sequences.filter { $0.name == sequence } : read.sequences
    if found.count > 1 { throw AnimateError.several(path, names: found.map(\.name)) }
    guard let only = found.first else {
      if sequence == nil { throw SequenceError.noSequences(path: path) }
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
    var all = try SequenceGallery(path, frame: frame)
    // What is to be one sequence needs no numbers.
    if all.names.isEmpty, frame == nil { all = all.whole }
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
