import Foundation
import Torch

/// A file's bytes, read whole.
public enum FileBytes {
  /// - Throws: `PictureError.missing`, `.unreadable`, `.notAFile`, `.tooHeavy`.
  static func read(_ path: String, limits: Decoding.Limits) throws(PictureError) -> [UInt8] {
    try read(path, cap: limits.megabytes << 20)
  }

  /// - Throws: as `read(_:cap:first:)`.
  public static func read(_ path: String, cap: Int = 512 << 20, first: Int? = nil) throws(PictureError) -> [UInt8] {
    try read(FilePath(path), cap: cap, first: first)
  }

  /// - Parameters:
  ///   - cap: bytes a file may have at most.
  ///   - first: how many of the first bytes are wanted; nil wants all.
  /// - Throws: `PictureError.missing`, `.unreadable`, `.notAFile`, `.tooHeavy`.
  public static func read(_ file: FilePath, cap: Int = 512 << 20, first: Int? = nil) throws(PictureError) -> [UInt8] {
    let path = file.shown
    // Without O_NONBLOCK a named pipe would be waited for forever.
    let file = file.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard file >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? .missing(name: path) : .unreadable(name: path, why: lastFailure())
    }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0 else { throw .unreadable(name: path, why: lastFailure()) }
    guard facts.st_mode & S_IFMT == S_IFREG else { throw .notAFile(name: path) }
    let size = Int(facts.st_size)
    guard first != nil || size <= cap else { throw .tooHeavy(name: path, megabytes: size >> 20, cap: cap >> 20) }
    let wanted = min(first ?? size, size)
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      while filled < wanted {
        let count = Foundation.read(file, buffer.baseAddress! + filled, wanted - filled)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { failure = lastFailure() }
        if count <= 0 { break }
        filled += count
      }
    }
    if let failure { throw .unreadable(name: path, why: failure) }
    return bytes
  }
}

/// What the system says about the call that just failed, such as "permission denied".
func lastFailure() -> String {
  let words = String(cString: strerror(errno))
  return words.prefix(1).lowercased() + words.dropFirst()
}
