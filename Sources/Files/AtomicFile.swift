import Foundation

/// Files that appear under their names whole or not at all: a temporary name, fsync, rename, fsync of the folder.
public enum AtomicFile {
  /// Writes `data` to `path`, in place of what was there.
  ///
  /// - Parameter mode: permissions, 0o600 for what only the owner may read.
  /// - Throws: `FileTrouble`; what was there before is still there then.
  public static func write(_ data: Data, to path: String, mode: mode_t = 0o644) throws(FileTrouble) {
    let temporary = "\(path).\(UInt32.random(in: 0 ... .max)).part"
    let file = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
    guard file >= 0 else { throw .last(path) }
    var isWritten = data.withUnsafeBytes { bytes in writeAll(bytes, to: file) }
    isWritten = isWritten && fsync(file) == 0
    let reason = errno
    close(file)
    errno = reason
    guard isWritten, rename(temporary, path) == 0 else {
      let trouble = FileTrouble.last(path)
      unlink(temporary)
      throw trouble
    }
    syncFolder((path as NSString).deletingLastPathComponent)
  }

  /// Writes a value as JSON, its keys in order.
  ///
  /// - Throws: `FileTrouble`.
  public static func write(_ value: some Encodable, to path: String, mode: mode_t = 0o644) throws(FileTrouble) {
    guard let data = try? JSON.encoder.encode(value) else { throw .failed(path: path, reason: "it isn't JSON") }
    try write(data, to: path, mode: mode)
  }

  /// Makes a folder, and those above it.
  ///
  /// - Throws: `FileTrouble`.
  public static func makeFolder(_ path: String, mode: Int = 0o755) throws(FileTrouble) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    } catch { throw .last(path) }
  }

  /// Writes all of it, however often that takes.
  public static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = Foundation.write(file, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      done += count
    }
    return true
  }

  /// After a rename: a crash of the machine would lose the name otherwise.
  static func syncFolder(_ path: String) {
    let folder = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}

/// Why a file can't be written or read.
public enum FileTrouble: Refusal, Equatable {
  case full(path: String)
  case readOnly(path: String)
  case failed(path: String, reason: String)

  /// What `errno` tells of.
  public static func last(_ path: String) -> FileTrouble {
    switch errno {
    case ENOSPC, EDQUOT: .full(path: path)
    case EACCES, EPERM, EROFS: .readOnly(path: path)
    default: .failed(path: path, reason: String(cString: strerror(errno)))
    }
  }

  public var sentence: String {
    switch self {
    case .full(let path): "\(path) can't be written, since the disk is full: free some space, then try again."
    case .readOnly(let path): "\(path) can't be written: make its folder writable, or name another --workspace."
    case .failed(let path, let reason):
      "\(path) can't be used (\(reason)): check the folder, or name another --workspace."
    }
  }
  public var status: Int { 507 }
  public var exitCode: Int32 { 74 }
}
