import Foundation
import Torch

/// Why a packed set of pictures can't be used.
public enum PictureSetError: Explained {
  /// The file isn't a packed set.
  case notASet(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  /// The set that was to be written has no picture.
  case empty(path: String)

  public var sentence: String {
    switch self {
    case .notASet(let path, let reason):
      "\(path) isn't a packed set of pictures (\(reason)): delete it, and it is packed again."
    case .cannotWrite(let path, let reason):
      "The packed pictures can't be written to \(path) (\(reason)): free some space there, or name another --workspace."
    case .empty(let path):
      "No picture could be packed into \(path): check the folder with `atelier inspect`."
    }
  }
  public var exit: Exit {
    switch self {
    case .notASet, .empty: .data
    case .cannotWrite: .io
    }
  }
}

/// Pictures of one size as bytes, memory-mapped: what a run trains on.
///
/// The file is a safetensors file with `pictures` (uint8 [N, C, H, W]) and `names` (uint8, UTF-8, each ended by a zero
/// byte, since a file's name may hold anything else), the rest in its metadata. A set of sequences has `sequences`, too:
/// of each its name, how many pictures and their rate, in the same way.
public struct PictureSet {
  /// uint8 [N, C, H, W], in 0...255.
  public let pictures: Tensor
  /// Where each picture came from.
  public let names: [String]
  /// What the packer wrote: the source, its hash, how it was cropped.
  public let metadata: [String: String]
  /// Which pictures follow one another, in the set's order; none in a set of single pictures.
  public let sequences: [PictureSequence]

  public var count: Int { pictures.size(0) }
  public var channels: Int { pictures.size(1) }
  public var size: PictureSize { PictureSize(of: pictures) }

  /// A set in memory.
  ///
  /// - Parameter pictures: uint8 [N, C, H, W].
  public init(
    _ pictures: Tensor, names: [String]? = nil, metadata: [String: String] = [:], sequences: [PictureSequence] = []
  ) {
    precondition(pictures.rank == 4 && pictures.dtype == .uint8, "a set is uint8 [N, C, H, W], not \(pictures.shape)")
    self.pictures = pictures
    self.names = names ?? (0..<pictures.size(0)).map { "picture \($0)" }
    (self.metadata, self.sequences) = (metadata, sequences)
  }

  /// Maps the file at `path`.
  ///
  /// - Throws: `SafetensorsError` when it can't be read, `PictureSetError.notASet` when it holds something else.
  public init(path: String) throws {
    let (tensors, metadata) = try Safetensors.read(path)
    guard let pictures = tensors["pictures"], let names = tensors["names"] else {
      throw PictureSetError.notASet(path: path, reason: "it has no pictures")
    }
    guard pictures.rank == 4, pictures.dtype == .uint8, pictures.count > 0 else {
      throw PictureSetError.notASet(path: path, reason: "its pictures are \(pictures.dtype) \(pictures.shape)")
    }
    let list = names.bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    guard list.count == pictures.size(0) else {
      throw PictureSetError.notASet(path: path, reason: "\(pictures.size(0)) pictures have \(list.count) names")
    }
    var sequences: [PictureSequence] = []
    if let listed = tensors["sequences"] {
      guard let read = SequenceList.read(listed.bytes, count: pictures.size(0)) else {
        throw PictureSetError.notASet(path: path, reason: "its sequences aren't those of its pictures")
      }
      sequences = read
    }
    self.init(
      pictures, names: list.map { String(decoding: $0, as: UTF8.self) }, metadata: metadata, sequences: sequences)
  }

  /// The pictures of these numbers: float32 [N, C, H, W] in -1...1, channels-last, on `device`.
  ///
  /// - Parameter mirrored: pictures flipped left to right; empty for none.
  public func batch(_ indices: [Int], mirrored: [Bool] = [], on device: Device = .cpu) -> Tensor {
    var bytes = pictures.indexSelected(dim: 0, indices: Tensor(indices)).to(device)
    if mirrored.contains(true) {
      let choice = Tensor(mirrored, shape: [mirrored.count, 1, 1, 1]).to(device)
      bytes = whereTrue(choice, bytes.flipped([3]), bytes)
    }
    return signed(bytes).channelsLast()
  }

  /// The numbers of at most so many pictures, for what needn't look at all of them: by chance, but always the same, and those of
  /// a smaller sample are the first of a larger one.
  public func sample(atMost most: Int) -> [Int] {
    var noise = Noise(seed: 0x6c65_7321)
    return Array(noise.permutation(count).prefix(most))
  }

  /// The bytes of the pictures of these numbers, uint8 [N, C, H, W].
  public func bytes(of numbers: some Sequence<Int>) -> Tensor {
    pictures.indexSelected(dim: 0, indices: Tensor(Array(numbers)))
  }
}

/// Writes a `PictureSet` picture by picture, so that the whole set is never in memory.
///
/// The file appears under its name only when `finish` has succeeded.
public final class PictureSetWriter {
  /// Room for the header, so that the pictures' offset is known, and aligned to a page, before their number is.
  private static let headerBytes = 4096
  private let path: String, temporary: String
  private let channels: Int, size: PictureSize
  private let file: Int32
  private var names: [String] = []
  private var sequences: [(name: String, count: Int, rate: Double)] = []
  private var isFinished = false

  /// - Parameters:
  ///   - channels: 1, 3 or 4.
  /// - Throws: `PictureSetError.cannotWrite`.
  public init(path: String, channels: Int, size: PictureSize) throws(PictureSetError) {
    (self.path, self.channels, self.size) = (path, channels, size)
    temporary = "\(path).\(getpid()).part"
    file = open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .cannotWrite(path: path, reason: reasonOfLastError()) }
    try append([UInt8](repeating: 0x20, count: Self.headerBytes))
  }

  deinit {
    close(file)
    if !isFinished { unlink(temporary) }
  }

  public var count: Int { names.count }

  /// Adds one picture.
  ///
  /// - Parameter pixels: [C, H, W] row-major, `channels * size.pixels` bytes.
  public func add(_ pixels: [UInt8], name: String) throws(PictureSetError) {
    precondition(pixels.count == channels * size.pixels, "\(pixels.count) bytes aren't one picture")
    try append(pixels)
    names.append(name.replacing("\0", with: ""))
  }

  /// Makes one sequence of all pictures that were added since the last one.
  public func endSequence(_ name: String, rate: Double = 1) {
    let count = names.count - sequences.reduce(0) { $0 + $1.count }
    if count > 0 { sequences.append((name, count, rate)) }
  }

  /// Writes the names and the header, and gives the file its name.
  ///
  /// - Parameter metadata: at most some 3,000 bytes of JSON.
  /// - Throws: `PictureSetError.empty` without a picture, else `cannotWrite`.
  public func finish(metadata: [String: String] = [:]) throws(PictureSetError) {
    guard !names.isEmpty else { throw .empty(path: path) }
    let list = names.flatMap { name -> [UInt8] in Array(name.utf8) + [0] }
    try append(list)
    let pixels = names.count * channels * size.pixels
    var header: [String: Any] = [
      "__metadata__": metadata,
      "pictures": [
        "dtype": "U8", "shape": [names.count, channels] + size.shape, "data_offsets": [0, pixels],
      ] as [String: Any],
      "names": [
        "dtype": "U8", "shape": [list.count], "data_offsets": [pixels, pixels + list.count],
      ] as [String: Any],
    ]
    if !sequences.isEmpty {
      let order = SequenceList.bytes(sequences), start = pixels + list.count
      try append(order)
      header["sequences"] =
        ["dtype": "U8", "shape": [order.count], "data_offsets": [start, start + order.count]] as [String: Any]
    }
    guard let json = try? JSONSerialization.data(withJSONObject: header, options: [.sortedKeys]),
      json.count <= Self.headerBytes - 8
    else { throw .cannotWrite(path: path, reason: "its metadata is too long") }
    let length = withUnsafeBytes(of: UInt64(Self.headerBytes - 8).littleEndian) { Array($0) }
    lseek(file, 0, SEEK_SET)
    try append(length + Array(json))
    guard fsync(file) == 0, rename(temporary, path) == 0 else {
      throw .cannotWrite(path: path, reason: reasonOfLastError())
    }
    isFinished = true
    syncFolder(of: path)
  }

  private func append(_ bytes: [UInt8]) throws(PictureSetError) {
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes { write(file, $0.baseAddress! + done, $0.count - done) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: reasonOfLastError()) }
      done += written
    }
  }
}

/// What the system says about the last call that failed, such as "no space left on device".
func reasonOfLastError() -> String {
  let words = String(cString: strerror(errno))
  return words.prefix(1).lowercased() + words.dropFirst()
}
