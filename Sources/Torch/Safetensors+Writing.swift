import Foundation

extension Safetensors {
  /// Writes tensors and metadata, all or nothing.
  ///
  /// The bytes go to a temporary file in the same folder, which is flushed to the disk and renamed; then the folder is
  /// flushed. A kill or a power cut at any moment leaves the old file or the new one.
  /// - Throws: `SafetensorsError.cannotWrite` or `.diskFull`; the temporary file is removed.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String)
    throws(SafetensorsError)
  {
    // Larger elements first, so that every tensor is aligned when the file is mapped.
    let order = tensors.sorted { ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key) }
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var end = 0
    for (name, tensor) in order {
      let begin = end
      end += tensor.count * tensor.dtype.byteCount
      header[name] = ["dtype": tensor.dtype.safetensorsCode, "shape": tensor.shape, "data_offsets": [begin, end]]
    }
    guard var json = try? JSONSerialization.data(withJSONObject: header, options: [.sortedKeys]) else {
      throw .cannotWrite(path: path, why: "the metadata isn't text")
    }
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }

    let file = try AtomicFile(path)
    try file.append(withUnsafeBytes(of: UInt64(json.count).littleEndian) { [UInt8]($0) })
    try file.append([UInt8](json))
    for (_, tensor) in order { try file.append(tensor.rawBytes) }
    try file.commit()
  }
}

/// A file that appears under its name only when it is whole.
private final class AtomicFile {
  private let path, temporary: String
  private var descriptor: Int32

  init(_ path: String) throws(SafetensorsError) {
    (self.path, temporary) = (path, "\(path).\(getpid()).partial")
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw AtomicFile.reason(path) }
  }
  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
  }

  func append(_ bytes: [UInt8]) throws(SafetensorsError) {
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
      if written < 0 {
        if errno == EINTR { continue }
        throw AtomicFile.reason(path)
      }
      done += written
    }
  }

  func commit() throws(SafetensorsError) {
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw AtomicFile.reason(path) }
    close(descriptor)
    descriptor = -1
    syncFolder(of: path)
  }

  private static func reason(_ path: String) -> SafetensorsError {
    errno == ENOSPC || errno == EDQUOT || errno == EFBIG
      ? .diskFull(path: path) : .cannotWrite(path: path, why: String(cString: strerror(errno)))
  }
}
