import Foundation
import Torch

/// Why a run's folder can't be taken.
public enum RunLockError: Explained {
  /// Another process trains in it.
  case taken(folder: String, process: Int)
  case cannotCreate(folder: String, reason: String)

  public var sentence: String {
    switch self {
    case .taken(let folder, let process):
      "Process \(process) is training in \(folder): wait for it, stop it, or name another --run."
    case .cannotCreate(let folder, let reason):
      "The run's folder \(folder) can't be used (\(reason)): check that it can be written to, or name another --run."
    }
  }
  public var exit: Exit {
    switch self {
    case .taken: .unavailable
    case .cannotCreate: .cannotCreate
    }
  }
}

/// One process a run: a lock on a file in the run's folder, held until this is released or the process ends.
public final class RunLock {
  private let file: Int32

  /// Makes the folder when it isn't there, and takes it.
  ///
  /// - Throws: `RunLockError`.
  public init(folder: String) throws(RunLockError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotCreate(folder: folder, reason: reasonOfLastError())
    }
    file = open("\(folder)/run.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .cannotCreate(folder: folder, reason: reasonOfLastError()) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let isTaken = errno == EWOULDBLOCK
      let reason = reasonOfLastError()
      let owner = (try? String(contentsOfFile: "\(folder)/run.lock", encoding: .utf8)) ?? ""
      // `deinit` runs here, too, and closes the file: a second close could hit another thread's file.
      guard isTaken else { throw .cannotCreate(folder: folder, reason: reason) }
      throw .taken(folder: folder, process: Int(owner.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0)
    }
    let own = "\(getpid())\n"
    ftruncate(file, 0)
    _ = own.withCString { write(file, $0, strlen($0)) }
  }

  deinit {
    // A process that is about to be started has the file until it runs its program, and the lock with it.
    flock(file, LOCK_UN)
    close(file)
  }
}
