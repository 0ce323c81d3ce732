import Foundation
import Media
import Torch
import Training

/// How pictures are made alike before training.
public struct Packing: Codable, Hashable, Sendable {
  public var size: PictureSize
  public var crop: Decoding.Crop = .centre
  public var channels = 3  // 1, 3, or 4 with alpha.
  public var ground = Ground.white  // Under what is transparent, and around what is fitted.

  public init(size: PictureSize, crop: Decoding.Crop = .centre, channels: Int = 3, ground: Ground = .white) {
    (self.size, self.crop, self.channels, self.ground) = (size, crop, channels, ground)
  }

  /// Pieces are cut out of whole pictures.
  var decoding: Decoding {
    Decoding(size: crop == .pieces ? nil : size, crop: crop, channels: channels, ground: ground)
  }
}

extension Picture {
  /// Overlapping parts of its own pixels, a quarter of their shorter side apart, or further where there would be more than
  /// a thousand. What is too small for one is enlarged to it.
  func pieces(of size: PictureSize, named name: String) -> [(name: String, planes: [UInt8])] {
    guard width >= size.width, height >= size.height else {
      return [(name, resampled(width: size.width, height: size.height).planes)]
    }
    let most = 1000.0, spare = (width: width - size.width, height: height - size.height)
    let step = max(Double(size.shorter) / 4, (Double(spare.width * spare.height) / most).squareRoot())
    func starts(_ spare: Int) -> [Int] {
      let count = Int((Double(spare) / step).rounded(.down))
      return count == 0 ? [spare / 2] : (0...count).map { spare * $0 / count }
    }
    let whole = tensor
    return starts(spare.height).flatMap { y in
      starts(spare.width).map { x in
        let piece = whole.narrowed(dim: 1, from: y, count: size.height).narrowed(dim: 2, from: x, count: size.width)
        return ("\(name) at \(x),\(y)", piece.contiguous().bytes)
      }
    }
  }
}

/// A packed set in the workspace's cache.
public struct Packed: Codable, Hashable, Sendable {
  /// The set, for `PictureSet(path:)`.
  public let path: String
  /// SHA-256 of the pictures' contents and names.
  public let hash: String
  public let count: Int
  /// Pictures that couldn't be used.
  public internal(set) var setAside: [SetAside]
  /// What doesn't fit between a file of classes and the pictures, in sentences; nil where all does.
  public internal(set) var labelNotes: [String]?
  /// How many pictures are cropped by hand; nil where none is.
  public internal(set) var cropped: Int?
  /// Whether nothing had to be decoded, since the same pictures had been packed before.
  public var wasThere = false
}

/// Packs the pictures of a folder, a zip or a tar file for training, once: the next time the same contents are found packed.
///
/// A damaged file is set aside by name. Where a file beside the pictures names their classes (`LabelFile`), they are packed as
/// if they lay in folders of these names. Where a file beside a picture says which part of it is used (`HandCrops`), that part is all there
/// is of it.
/// - Parameters:
///   - path: a folder, a zip or tar file or one picture.
///   - progress: called with how many files are done, of how many.
/// - Throws: `GalleryError` (`.nothingLeft` when every file is damaged), `ArchiveError`, `WorkspaceError`,
///   `PictureSetError`, `FileError`, `LabelFileError`, `HandCropError`.
public func pack(
  _ path: String, _ packing: Packing, in workspace: Workspace, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
) throws -> Packed {
  precondition(packing.size.shorter > 0, "a picture has a size")
  let gallery = try Gallery(path)
  try workspace.make(workspace.cache)
  let hash = try contentHash(of: gallery, in: workspace)
  let labels = try LabelFile(of: gallery)
  let crops = try HandCrops(of: gallery)
  let key = packing.key + (labels.map { " 2 \($0.digest)" } ?? "") + (crops.digest.map { " crops \($0)" } ?? "")
  var set = try packed(hash: hash, key: key, in: workspace, count: gallery.count, progress) { set in
    let writer = try PictureSetWriter(path: set, channels: packing.channels, size: packing.size)
    let decoding = packing.decoding
    var setAside: [SetAside] = gallery.unreadable
    try gallery.forEach { _, name, bytes in
      Result { () throws(PictureError) in
        let picture = try Picture.decode(bytes.get(), named: name, decoding.of(crops[name]))
        let place = labels?.name(name) ?? name
        return packing.crop == .pieces
          ? picture.pieces(of: packing.size, named: place) : [(name: place, planes: picture.planes)]
      }.mapError { SetAside(name: name, reason: $0.reason) }
    } collect: { number, result in
      switch result {
      case .success(let pieces):
        for piece in pieces { try writer.add(piece.planes, name: piece.name) }
      case .failure(let damaged): setAside.append(damaged)
      }
      progress(number + 1, gallery.count)
    }
    if writer.count == 0, let first = setAside.first {
      throw GalleryError.nothingLeft(path: gallery.path, first: first, count: setAside.count)
    }
    return (writer, setAside)
  }
  if let notes = labels?.notes, !notes.isEmpty { set.labelNotes = notes }
  if crops.count > 0 { set.cropped = crops.count }
  return set
}

/// A set that was packed before, or else one that `write` fills.
///
/// - Parameters:
///   - key: differs for options that give other bytes.
///   - write: is given the set's path; returns what it wrote and what couldn't be used.
func packed(
  hash: String, key: String, in workspace: Workspace, count: Int, _ progress: (Int, Int) -> Void,
  _ write: (String) throws -> (PictureSetWriter, [SetAside])
) throws -> Packed {
  let set = packedPath(hash: hash, key: key, in: workspace)
  let note = set.replacing(".safetensors", with: ".json")
  if let known: Packed = decoded(note), (try? PictureSet(path: set))?.count == known.count {
    progress(count, count)
    CacheLimit.touch(set)
    return Packed(path: set, hash: hash, count: known.count, setAside: known.setAside, wasThere: true)
  }
  removeLeftovers(in: workspace.cache)
  let (writer, setAside) = try write(set)
  try writer.finish(metadata: ["hash": hash, "packing": key])
  let packed = Packed(path: set, hash: hash, count: writer.count, setAside: setAside)
  // Last, since a set without its note is packed again.
  try AtomicFile.write(encoded(packed), to: note, isForced: true)
  CacheLimit.keep(workspace)
  return packed
}

/// Where a set is, if it was packed.
func packedPath(hash: String, key: String, in workspace: Workspace) -> String {
  "\(workspace.cache)/\(Digest.sha256("\(hash) \(key)").prefix(24)).safetensors"
}

extension SetAside: Error {}

extension Packing {
  /// Differs for options that give other bytes.
  var key: String { "1 \(size) \(crop.rawValue) \(channels) \(ground)" }
}

/// SHA-256 of all contents and names. Known from the files' stamps where these haven't changed since the last time.
func contentHash(of gallery: Gallery, in workspace: Workspace) throws -> String {
  let stamps = Digest.sha256(
    gallery.path + "\0" + gallery.candidates.map { "\($0.name)\0\($0.stamp)" }.joined(separator: "\0"))
  let note = "\(workspace.cache)/\(stamps.prefix(24)).hash"
  if let known = try? FileBytes.read(note, cap: 64), known.count == 64 { return String(decoding: known, as: UTF8.self) }
  let hash: String
  if gallery.isArchive {
    hash = try Digest.sha256(file: gallery.path)
  } else {
    let candidates = gallery.candidates
    let digests = inParallel(candidates.count) { i in
      // What can't be read is set aside when it is packed.
      "\(candidates[i].name)\0\((try? Digest.sha256(file: candidates[i].file)) ?? "unreadable")"
    }
    hash = Digest.sha256(digests.joined(separator: "\0"))
  }
  // Only spares reading it all again: a cache that can't be written to may still hold the set.
  try? AtomicFile.write(hash, to: note, isForced: true)
  return hash
}

/// Deletes what processes that were killed while they packed have left, "NAME.PROCESS.part": it can be gigabytes.
private func removeLeftovers(in folder: String) {
  for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".part") {
    guard let process = name.split(separator: ".").dropLast().last.flatMap({ pid_t($0) }), process > 0 else { continue }
    if kill(process, 0) != 0 && errno == ESRCH { unlink("\(folder)/\(name)") }
  }
}

private func encoded(_ value: some Encodable) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  return Array(try! encoder.encode(value))  // Strings and numbers always encode.
}

private func decoded<Value: Decodable>(_ path: String) -> Value? {
  (try? FileBytes.read(path)).flatMap { try? JSONDecoder().decode(Value.self, from: Data($0)) }
}
