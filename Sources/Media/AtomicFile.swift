import Foundation
import Torch

/// Why a file can't be written.
public enum FileError: Explained, Equatable {
  /// It is there already, and nothing is overwritten unasked.
  case exists(path: String)
  /// The folder isn't there.
  case noFolder(path: String)
  /// The folder, or the whole disk, may not be written to.
  case readOnly(path: String)
  case full(path: String)
  case failed(path: String, why: String)

  public var sentence: String {
    switch self {
    case .exists(let path): "\(path) is there already: name another, or add --force to replace it."
    case .noFolder(let path): "The folder for \(path) isn't there: make it, or name another."
    case .readOnly(let path): "\(path) can't be written, since its folder is read-only: name one that you may write to."
    case .full(let path): "\(path) can't be written, since the disk is full: free some space, or name another disk."
    case .failed(let path, let why): "\(path) can't be written (\(why)): check the folder, or name another."
    }
  }

  public var exit: Exit {
    switch self {
    case .exists, .noFolder, .readOnly: .cannotCreate
    case .full, .failed: .io
    }
  }

  /// The error that `errno` tells of.
  static func last(_ path: String) -> FileError {
    switch errno {
    case EEXIST: .exists(path: path)
    case ENOENT, ENOTDIR: .noFolder(path: path)
    case EACCES, EPERM, EROFS: .readOnly(path: path)
    case ENOSPC, EDQUOT: .full(path: path)
    default: .failed(path: path, why: lastFailure())
    }
  }
}

/// Files that appear under their names whole or not at all.
public enum AtomicFile {
  /// Writes a temporary file beside `path`, syncs it, and gives it its name.
  ///
  /// - Parameters:
  ///   - isForced: replaces a file that is there; without it such a file is left alone.
  ///   - isSynced: waits until the disk has it; else a loss of power may lose the file.
  /// - Throws: `FileError`; nothing is left behind then.
  public static func write(
    _ bytes: [UInt8], to path: String, isForced: Bool = false, isSynced: Bool = true
  ) throws(FileError) {
    let temporary = "\(path).\(UInt32.random(in: 0 ... .max)).\(getpid()).part"
    let file = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .last(path) }
    var failure = bytes.withUnsafeBytes { writeAll($0, to: file, path) }
    if failure == nil && isSynced && fsync(file) != 0 { failure = .last(path) }
    if close(file) != 0 && failure == nil { failure = .last(path) }
    if failure == nil { failure = name(temporary, path, isForced) }
    if let failure {
      unlink(temporary)
      throw failure
    }
    if isSynced { syncFolder(of: path) }
  }

  /// Gives a whole file that another wrote its name: the disk has its bytes before, and the name after.
  ///
  /// - Throws: `FileError`; the file keeps its old name then.
  static func settle(_ temporary: String, as path: String, isForced: Bool) throws(FileError) {
    let file = open(temporary, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .last(path) }
    let isSynced = fsync(file) == 0
    // Of the first failure.
    let reason = errno
    close(file)
    errno = reason
    guard isSynced else { throw .last(path) }
    if let failure = name(temporary, path, isForced) { throw failure }
    syncFolder(of: path)
  }

  public static func write(_ text: String, to path: String, isForced: Bool = false) throws(FileError) {
    try write(Array(text.utf8), to: path, isForced: isForced)
  }

  /// Makes a folder and those above it; one that is there is fine.
  ///
  /// - Throws: `FileError`.
  public static func makeFolder(_ path: String) throws(FileError) {
    var facts = stat()
    if stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR { return }
    // Else a path of a hundred thousand parts would be gone up part by part.
    if errno == ENAMETOOLONG { throw .last(path) }
    let above = path.parentPath
    if !above.isEmpty && above != path && stat(above, &facts) != 0 { try makeFolder(above) }
    guard mkdir(path, 0o755) == 0 || (errno == EEXIST && stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR)
    else { throw .last(path) }
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32, _ path: String) -> FileError? {
    var done = 0
    while done < bytes.count {
      let count = Foundation.write(file, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return .last(path) }
      done += count
    }
    return nil
  }

  private static func name(_ temporary: String, _ path: String, _ isForced: Bool) -> FileError? {
    if isForced { return rename(temporary, path) == 0 ? nil : .last(path) }
    // A link fails where the name is taken, even if that happened just now; a rename would replace.
    if link(temporary, path) == 0 {
      unlink(temporary)
      return nil
    }
    guard errno != EEXIST else { return .exists(path: path) }
    // Memory cards have no links.
    guard access(path, F_OK) != 0 else { return .exists(path: path) }
    return rename(temporary, path) == 0 ? nil : .last(path)
  }
}
