import CTorch
import Foundation

/// Why a safetensors file can't be read or written.
public enum SafetensorsError: Explained, Equatable {
  case missing(path: String)
  case unreadable(path: String, why: String)
  /// The file is shorter than its header says, or no safetensors file at all.
  case truncated(path: String)
  case headerTooLarge(path: String, bytes: UInt64)
  case badHeader(path: String, why: String)
  case badTensor(path: String, name: String, why: String)
  /// It is whole, but has elements that aren't read here.
  case unreadType(path: String, name: String, type: String)
  /// It is a file of another kind under that name.
  case otherKind(path: String, kind: String)
  case cannotWrite(path: String, why: String)
  case diskFull(path: String)

  public var sentence: String {
    switch self {
    case .missing(let path): "There is no file \(path): check the path."
    case .unreadable(let path, let why): "\(path) can't be read (\(why)): check its permissions."
    case .truncated(let path): "\(path) is cut short or isn't a safetensors file: copy or download it again."
    case .headerTooLarge(let path, let bytes):
      "\(path) claims a header of \(bytes) bytes, more than is allowed: it is damaged or hostile, don't use it."
    case .badHeader(let path, let why): "\(path) has a damaged header (\(why)): copy or download it again."
    case .badTensor(let path, let name, let why):
      "\(path) describes the tensor '\(name)' wrongly (\(why)): it is damaged or hostile, don't use it."
    case .unreadType(let path, let name, let type):
      "\(path) holds the tensor '\(name)' in \(type), which isn't read here: use a file in 16 or 32 bits."
    case .otherKind(let path, let kind): "\(path) isn't a safetensors file but \(kind)."
    case .cannotWrite(let path, let why): "\(path) can't be written (\(why)): choose another folder."
    case .diskFull(let path): "The disk is full, so \(path) wasn't written: free some space and try again."
    }
  }
  /// What is wrong, as the end of a sentence that begins with the file: "is cut short".
  public var reason: String {
    switch self {
    case .missing: "isn't there"
    case .unreadable(_, let why): "is refused by the system (\(why))"
    case .truncated: "is cut short or isn't a safetensors file"
    case .headerTooLarge, .badHeader, .badTensor: "is damaged"
    case .unreadType(_, _, let type): "has numbers of a kind that isn't read (\(type))"
    case .otherKind(_, let kind): "isn't a safetensors file but \(kind)"
    case .cannotWrite, .diskFull: "couldn't be written"
    }
  }
  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .unreadable, .diskFull: .io
    case .truncated, .headerTooLarge, .badHeader, .badTensor, .unreadType, .otherKind: .data
    case .cannotWrite: .cannotCreate
    }
  }
}

/// The safetensors format, version 0.4: an 8-byte length, a JSON header, the elements.
///
/// Nothing in a file is executed. A header must be at most 100 MB, and its tensors must lie one after another without
/// gaps or overlaps and end where the file ends.
public enum Safetensors {
  static let headerCap: UInt64 = 100_000_000

  /// The tensors of a file, mapped into memory, and its metadata.
  ///
  /// Changing a mapped tensor in place changes the memory only, never the file.
  /// - Throws: `SafetensorsError`.
  public static func read(_ path: String) throws(SafetensorsError) -> (
    tensors: [String: Tensor], metadata: [String: String]
  ) {
    let file = try MappedFile(path)
    let header = try Header(file, path)
    var tensors: [String: Tensor] = [:]
    for entry in header.entries {
      tensors[entry.name] = try file.tensor(entry, at: header.start + entry.begin, path)
    }
    return (tensors, header.metadata)
  }

  /// Whether a file begins as one: with the length of a JSON object that fits into it.
  public static func isOne(_ path: String) -> Bool {
    guard let file = try? MappedFile(path), file.bytes.count > 8 else { return false }
    return withExtendedLifetime(file) {
      let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
      return length <= file.bytes.count - 8 && file.bytes[8] == UInt8(ascii: "{")
    }
  }

  /// A file's metadata only.
  public static func metadata(_ path: String) throws(SafetensorsError) -> [String: String] {
    try Header(MappedFile(path), path).metadata
  }
}

extension Tensor {
  /// Gives back the memory that holds a tensor of `Safetensors.read`: it is read from the file again when it is used. What was changed in it
  /// in place is lost. Does nothing for other tensors.
  public func forgetMapped() { ct_forget_mapped(handle) }
}

private final class MappedFile {
  private let mapping: ct_mapping
  let bytes: UnsafeRawBufferPointer

  init(_ path: String) throws(SafetensorsError) {
    guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
    var (mapping, data, count): (ct_mapping?, UnsafeRawPointer?, Int) = (nil, nil, 0)
    guard ct_map_file(path, &mapping, &data, &count) == 0 else {
      let why = String(cString: ct_error())
      throw why.hasPrefix("it is empty") ? .truncated(path: path) : .unreadable(path: path, why: why)
    }
    (self.mapping, bytes) = (mapping!, UnsafeRawBufferPointer(start: data, count: count))
  }
  deinit { ct_unmap(mapping) }

  func tensor(_ entry: Header.Entry, at offset: Int, _ path: String) throws(SafetensorsError) -> Tensor {
    var out: ct_tensor?
    let shape = entry.shape.map(Int64.init)
    guard ct_map_tensor(mapping, offset, shape, shape.count, entry.dtype.rawValue, &out) == 0, let out else {
      throw .badTensor(path: path, name: entry.name, why: String(cString: ct_error()))
    }
    return Tensor(owning: out)
  }
}

/// A header that was checked against its file.
private struct Header {
  struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let begin, end: Int
  }
  var entries: [Entry] = []
  var metadata: [String: String] = [:]
  /// Where the elements start.
  let start: Int

  init(_ file: MappedFile, _ path: String) throws(SafetensorsError) {
    guard file.bytes.count >= 8 else { throw .truncated(path: path) }
    // The mapping ends with its owner: keep that alive while its bytes are read.
    let length = withExtendedLifetime(file) { UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self)) }
    if length > file.bytes.count - 8, let kind = withExtendedLifetime(file, { Self.otherKind(file.bytes) }) {
      throw .otherKind(path: path, kind: kind)
    }
    guard length <= Safetensors.headerCap else { throw .headerTooLarge(path: path, bytes: length) }
    guard length <= file.bytes.count - 8 else { throw .truncated(path: path) }
    start = 8 + Int(length)
    let json = withExtendedLifetime(file) { Data(file.bytes[8..<start]) }
    guard let object = try? JSONSerialization.jsonObject(with: json) as? [String: Any] else {
      throw .badHeader(path: path, why: "no JSON object")
    }
    for (name, value) in object {
      if name == "__metadata__" {
        guard let pairs = value as? [String: String] else {
          throw .badHeader(path: path, why: "metadata that isn't text")
        }
        metadata = pairs
      } else {
        do { entries.append(try Header.entry(name, value)) } catch let error as Unread {
          throw .unreadType(path: path, name: name, type: error.type)
        } catch let error as Fault {
          throw .badTensor(path: path, name: name, why: error.why)
        } catch {
          throw .badHeader(path: path, why: "\(error)")
        }
      }
    }
    entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var next = 0
    for entry in entries {
      guard entry.begin == next else {
        throw .badTensor(path: path, name: entry.name, why: "it overlaps another or leaves a gap")
      }
      next = entry.end
    }
    guard next <= file.bytes.count - start else { throw .truncated(path: path) }
    guard next == file.bytes.count - start else { throw .badHeader(path: path, why: "bytes after the last tensor") }
  }

  private struct Fault: Error { let why: String }
  private struct Unread: Error { let type: String }

  /// Other kinds of files that come under the name, by their first bytes.
  private static func otherKind(_ bytes: UnsafeRawBufferPointer) -> String? {
    func has(_ text: String) -> Bool { bytes.starts(with: Array(text.utf8)) }
    if has("version https://git-lfs") { return "a Git LFS pointer, which stands for one: fetch it by `git lfs pull`" }
    if has("GGUF") { return "a GGUF file, which isn't read here" }
    if has("<!DOC") || has("<html") || has("<HTML") { return "a web page: download the file itself" }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      return "a picture"
    }
    if has("PK\u{3}\u{4}") { return "a zip file or a PyTorch checkpoint" }
    return nil
  }

  private static func entry(_ name: String, _ value: Any) throws -> Entry {
    guard let fields = value as? [String: Any], let code = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int]
    else { throw Fault(why: "a field is missing") }
    guard let dtype = DType(safetensorsCode: code) else {
      // The format's own others: 8-bit and smaller floating point, unsigned and complex numbers.
      let known = ["F8_", "F4", "F6_", "U16", "U32", "U64", "C64"].contains { code.hasPrefix($0) }
      if known { throw Unread(type: code) }
      throw Fault(why: "elements of type \(code)")
    }
    guard offsets.count == 2, offsets[0] >= 0, offsets[1] >= offsets[0] else { throw Fault(why: "bad offsets") }
    guard shape.count <= 64 else { throw Fault(why: "\(shape.count) dimensions") }
    var bytes = dtype.byteCount
    for size in shape {
      // A size of 0 doesn't make up for the others, which are multiplied elsewhere, too.
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(size, 1))
      guard size >= 0, !overflow else { throw Fault(why: "a size of \(size)") }
      bytes = product
    }
    if shape.contains(0) { bytes = 0 }
    guard bytes == offsets[1] - offsets[0] else { throw Fault(why: "its shape and its bytes disagree") }
    return Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }
}

extension DType {
  /// The format's name of the type.
  var safetensorsCode: String {
    switch self {
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .float16: "F16"
    case .float32: "F32"
    case .float64: "F64"
    case .bool: "BOOL"
    case .bfloat16: "BF16"
    }
  }
  init?(safetensorsCode code: String) {
    guard let found = DType.allCases.first(where: { $0.safetensorsCode == code }) else { return nil }
    self = found
  }
}
