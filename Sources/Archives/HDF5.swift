import CHDF5
import Torch

/// Arrays in an HDF5 file, the format of Keras's weights.
///
/// Only for files whose hash is pinned: HDF5's reader isn't made for hostile ones.
public final class HDF5 {
  private let file: Int64
  private let path: String

  /// - Throws: `HDF5Error` when it is no HDF5 file.
  public init(_ path: String) throws(HDF5Error) {
    self.path = path
    file = ch5_open(path)
    guard file >= 0 else { throw HDF5Error(path: path, array: nil) }
  }
  deinit { ch5_close(file) }

  /// An array as float32, by its path such as "block1/layers/conv2d/vars/0".
  ///
  /// - Throws: `HDF5Error` when it isn't there, or its bytes are damaged.
  public func tensor(_ name: String) throws(HDF5Error) -> Tensor {
    var sizes = [UInt64](repeating: 0, count: 8)
    let rank = ch5_shape(file, name, &sizes, 8)
    guard rank >= 0 else { throw HDF5Error(path: path, array: name) }
    var (shape, count): ([Int], Int) = ([], 1)
    for size in sizes.prefix(Int(rank)) {
      // Neither factor is larger than 2²⁸, so that their product can't overflow.
      guard size <= 1 << 28, count * max(1, Int(size)) <= 1 << 28 else { throw HDF5Error(path: path, array: name) }
      (count, shape) = (count * max(1, Int(size)), shape + [Int(size)])
    }
    if shape.contains(0) { count = 0 }
    var values = [Float](repeating: 0, count: count)
    guard ch5_read(file, name, &values) == 0 else { throw HDF5Error(path: path, array: name) }
    return Tensor(values, shape: shape)
  }
}

/// What an HDF5 file lacks: the array of a name, or all of its structure.
public struct HDF5Error: Explained, Equatable {
  public let path: String
  public let array: String?

  public var sentence: String {
    let what = array.map { "has no readable array '\($0)'" } ?? "is no HDF5 file"
    return "'\(path)' \(what): copy or download it again."
  }
  public var exit: Exit { .data }
}
