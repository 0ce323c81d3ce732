import Foundation
import Torch

/// The tensors of a file that `torch.save` wrote, in the zip format (PyTorch 1.6 and later) or the one before it.
///
/// Only tensors are rebuilt, by an allow-list: see `PickleMachine`. A file is never executed.
///
/// ```swift
/// let weights = try PyTorchCheckpoint.read("efficientnet-lite0.pth").tensors
/// ```
public struct PyTorchCheckpoint {
  /// Contiguous, on the CPU. Nested dictionaries and lists are joined with dots: "optimizer.state.0.exp_avg".
  public let tensors: [String: Tensor]
  /// The other values by name, each in words.
  public let others: [String: String]

  /// Whether a file begins as `torch.save` begins one, in either format.
  ///
  /// - Throws: `CheckpointFileError`.
  public static func isOne(_ path: String) throws(CheckpointFileError) -> Bool {
    do {
      let file = try CheckpointFile(path)
      let head = try file.bytes(at: 0, count: min(4, file.count))
      return head.first == 0x80 && head.count > 1 && head[1] <= 5 || head.starts(with: [0x50, 0x4B, 0x03, 0x04])
    } catch let problem as CheckpointProblem {
      throw CheckpointFileError(path, problem)
    } catch {
      return false
    }
  }

  /// - Parameter byteLimit: of all tensors together.
  /// - Throws: `CheckpointFileError`.
  public static func read(_ path: String, byteLimit: Int = 16 << 30) throws(CheckpointFileError) -> PyTorchCheckpoint {
    do {
      let file = try CheckpointFile(path)
      let head = try file.bytes(at: 0, count: min(4, file.count))
      switch head.first {
      case 0x50 where head.starts(with: [0x50, 0x4B, 0x03, 0x04]): return try zip(path, byteLimit)
      case 0x80: return try legacy(file, byteLimit)
      default: throw CheckpointProblem.notACheckpoint
      }
    } catch let problem as CheckpointProblem {
      throw CheckpointFileError(path, problem)
    } catch let error as ArchiveError {
      throw CheckpointFileError(path, .archive(error.problem))
    } catch {
      throw CheckpointFileError(path, .unreadable)
    }
  }

  /// The tensors of a checkpoint inside an archive, such as a wheel.
  ///
  /// - Throws: `ArchiveError` or `CheckpointFileError`, which is `missing` when the archive has no such file.
  public static func read(_ name: String, in archive: Archive) throws -> PyTorchCheckpoint {
    guard let bytes = try archive.read(name) else { throw CheckpointFileError("\(archive.path)/\(name)", .missing) }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pth")
    defer { try? FileManager.default.removeItem(at: file) }
    do { try Data(bytes).write(to: file) } catch { throw CheckpointFileError(file.path, .unwritable) }
    return try read(file.path)
  }

  // MARK: The zip format: NAME/data.pkl, NAME/byteorder, and NAME/data/KEY for each storage

  private static func zip(_ path: String, _ byteLimit: Int) throws -> PyTorchCheckpoint {
    var limits = Archive.Limits()
    limits.entryBytes = PickleMachine.byteLimit
    let small = try Archive(path, limits: limits)
    let names = try small.entries().map(\.name)
    guard let program = names.first(where: { $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }) else {
      throw CheckpointProblem.notACheckpoint
    }
    let folder = String(program.dropLast("data.pkl".count))
    guard !names.contains(where: { $0.hasPrefix(folder + "code/") }) else { throw CheckpointProblem.torchScript }
    if let order = try small.read(folder + "byteorder"), order != Array("little".utf8) {
      throw CheckpointProblem.damaged("it was written on a big-endian machine")
    }
    guard let pickle = try small.read(program) else { throw CheckpointProblem.notACheckpoint }
    var machine = PickleMachine(PickleInput(pickle))
    defer { machine.release() }
    let contents = try Contents(of: try machine.run(), byteLimit: byteLimit)

    var builder = TensorBuilder(contents)
    try Archive(path, limits: .init(bytes: byteLimit)).forEach { entry, read throws(ArchiveError) in
      guard entry.name.hasPrefix(folder + "data/") else { return true }
      let key = String(entry.name.dropFirst(folder.count + 5))
      if builder.wants(key) { builder.add(try read(), as: key) }
      return true
    }
    return PyTorchCheckpoint(tensors: try builder.tensors(), others: contents.others)
  }

  // MARK: The format before PyTorch 1.6: five pickles, then each storage as an int64 count and raw elements

  private static func legacy(_ file: CheckpointFile, _ byteLimit: Int) throws -> PyTorchCheckpoint {
    let head = try file.bytes(at: 0, count: min(file.count, PickleMachine.byteLimit))
    var position = 0
    var machines: [PickleMachine] = []
    defer { for machine in machines { machine.release() } }
    func next() throws(CheckpointProblem) -> PickleValue {
      machines.append(PickleMachine(PickleInput(head, at: position)))
      let value = try machines[machines.count - 1].run()
      position = machines[machines.count - 1].position
      return value
    }
    // 0x1950A86A20F9469CFC6C
    guard case .bigInt([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) = try next(),
      case .int(1001) = try next()
    else { throw CheckpointProblem.notACheckpoint }
    guard case .dictionary(let machine) = try next() else {
      throw CheckpointProblem.damaged("its head is no dictionary")
    }
    for pair in stride(from: 0, to: machine.values.count, by: 2) {
      if case .string("little_endian") = machine.values[pair], case .bool(false) = machine.values[pair + 1] {
        throw CheckpointProblem.damaged("it was written on a big-endian machine")
      }
    }
    let contents = try Contents(of: try next(), byteLimit: byteLimit)
    guard case .list(let keys) = try next() else { throw CheckpointProblem.damaged("its list of storages is missing") }

    var builder = TensorBuilder(contents)
    for key in keys.values {
      guard case .string(let key) = key else { throw CheckpointProblem.damaged("a storage's key is no string") }
      let counted = try file.bytes(at: position, count: 8)
      var input = PickleInput(counted)
      guard let storage = contents.storages[key], try input.integer(8) == storage.count else {
        throw CheckpointProblem.damaged("the storage '\(key)' is not as large as the file says")
      }
      position += 8
      let count = storage.count * storage.dtype.byteCount
      builder.add(try file.bytes(at: position, count: count), as: key)
      position += count
    }
    return PyTorchCheckpoint(tensors: try builder.tensors(), others: contents.others)
  }
}

/// The values of a checkpoint under flat names.
struct Contents {
  private(set) var tensors: [String: PickledTensor] = [:]
  private(set) var others: [String: String] = [:]
  private(set) var storages: [String: PickledStorage] = [:]
  private var (visited, bytes, letters) = (0, 0, 0)
  private let byteLimit: Int

  /// How deep containers may nest, and how many values there may be. A pickle can name one list many times in another,
  /// so that a few bytes stand for billions of values.
  static let (depthLimit, valueLimit) = (64, 2_000_000)
  /// Bytes of all names: each has the names of all that it is in.
  static let letterLimit = 256 << 20

  init(of root: PickleValue, byteLimit: Int) throws(CheckpointProblem) {
    self.byteLimit = byteLimit
    try add(root, as: "", depth: 0)
  }

  private mutating func add(_ value: PickleValue, as name: String, depth: Int) throws(CheckpointProblem) {
    visited += 1
    letters += name.utf8.count
    guard depth <= Self.depthLimit, visited <= Self.valueLimit else { throw .tooLarge("The nesting of its values") }
    guard letters <= Self.letterLimit else { throw .tooLarge("The length of its names") }
    let prefix = name.isEmpty ? "" : name + "."
    switch value {
    case .dictionary(let box):
      for i in stride(from: 0, to: box.values.count, by: 2) {
        let key =
          switch box.values[i] {
          case .string(let key): key
          case .int(let key): "\(key)"
          default: throw .damaged("a name is \(box.values[i].summary)")
          }
        try add(box.values[i + 1], as: prefix + key, depth: depth + 1)
      }
    case .list(let box), .tuple(let box):
      for (i, item) in box.values.enumerated() { try add(item, as: prefix + "\(i)", depth: depth + 1) }
    case .tensor(let tensor):
      let (size, overflow) = tensor.storage.count.multipliedReportingOverflow(by: tensor.storage.dtype.byteCount)
      guard !overflow, size <= byteLimit else { throw .tooLarge("The storage '\(tensor.storage.key)'") }
      guard storages[tensor.storage.key, default: tensor.storage] == tensor.storage else {
        throw .damaged("the storage '\(tensor.storage.key)' has two types or sizes")
      }
      storages[tensor.storage.key] = tensor.storage
      bytes += tensor.count * tensor.storage.dtype.byteCount
      guard bytes <= byteLimit else { throw .tooLarge("The sum of its tensors") }
      tensors[name.isEmpty ? "tensor" : name] = tensor
    default:
      others[name.isEmpty ? "value" : name] = value.summary
    }
  }
}

/// Makes tensors as soon as their storage is there, so that no storage is kept longer than needed.
private struct TensorBuilder {
  private let contents: Contents
  private var named: [String: [(name: String, tensor: PickledTensor)]] = [:]
  private var made: [String: Tensor] = [:]
  private var problem: CheckpointProblem?

  init(_ contents: Contents) {
    self.contents = contents
    for (name, tensor) in contents.tensors { named[tensor.storage.key, default: []].append((name, tensor)) }
  }

  func wants(_ key: String) -> Bool { named[key] != nil }

  mutating func add(_ bytes: [UInt8], as key: String) {
    guard let storage = contents.storages[key], bytes.count == storage.count * storage.dtype.byteCount else {
      problem = problem ?? .damaged("the storage '\(key)' has \(bytes.count) bytes, other than the file says")
      return
    }
    let flat = bytes.withUnsafeBytes { Tensor(copying: $0, shape: [storage.count], dtype: storage.dtype) }
    for (name, view) in named.removeValue(forKey: key) ?? [] {
      made[name] =
        view.isContiguous && view.count == storage.count && view.offset == 0
        ? flat.reshaped(view.shape)
        : asStrided(.tensor(flat), .ints(view.shape), .ints(view.strides), .int(view.offset)).cloned().contiguous()
    }
  }

  func tensors() throws(CheckpointProblem) -> [String: Tensor] {
    if let problem { throw problem }
    if let absent = named.keys.min() { throw .damaged("the storage '\(absent)' is missing") }
    return made
  }
}

private let asStrided = Operator("as_strided")

/// A file, read by ranges.
private final class CheckpointFile {
  let count: Int
  private let handle: FileHandle

  init(_ path: String) throws(CheckpointProblem) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw .missing }
    guard !isFolder.boolValue else { throw .notACheckpoint }
    guard let handle = FileHandle(forReadingAtPath: path), let end = try? handle.seekToEnd() else { throw .unreadable }
    (self.handle, count) = (handle, Int(end))
  }

  func bytes(at position: Int, count wanted: Int) throws(CheckpointProblem) -> [UInt8] {
    guard position >= 0, wanted >= 0, wanted <= count - position else { throw .damaged("it ends too early") }
    guard wanted > 0 else { return [] }
    do {
      try handle.seek(toOffset: UInt64(position))
      guard let data = try handle.read(upToCount: wanted), data.count == wanted else {
        throw CheckpointProblem.damaged("it ends too early")
      }
      return [UInt8](data)
    } catch let problem as CheckpointProblem {
      throw problem
    } catch {
      throw .unreadable
    }
  }
}
