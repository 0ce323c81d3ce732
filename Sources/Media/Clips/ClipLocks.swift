import Foundation
import Torch

/// A film is written by one process, or by one for each of its shards.
extension ClipRendering {
  /// Keeps other processes out of the folder, as long as this one lives.
  ///
  /// - Throws: `UnfinishedError.busy`.
  func hold(_ out: String) throws(UnfinishedError) {
    release()
    // Shards share the folder; each has a file of its own, and one process.
    if case .shard(let shard, _) = work {
      try lock(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), LOCK_SH, out)
      try lock(open("\(folder)/.shard-\(shard.number)", O_RDONLY | O_CREAT | O_CLOEXEC, 0o666), LOCK_EX, out)
    } else {
      try lock(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), LOCK_EX, out)
    }
  }

  private func lock(_ file: Int32, _ kind: Int32, _ out: String) throws(UnfinishedError) {
    // Where a file system has no locks, work goes on as ever.
    guard file >= 0 else { return }
    locks.append(file)
    if flock(file, kind | LOCK_NB) != 0, errno == EWOULDBLOCK { throw .busy(out) }
  }

  /// Looks for processes that write the same film with other settings.
  ///
  /// - Throws: `UnfinishedError.busy`.
  func expectNoOther(_ out: String) throws(UnfinishedError) {
    let (place, name) = ((out as NSString).deletingLastPathComponent, (out as NSString).lastPathComponent + ".")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.isEmpty ? "." : place)) ?? []
    for other in names where other.hasPrefix(name) && other.hasSuffix(".unfinished") {
      let path = place.isEmpty ? other : "\(place)/\(other)"
      guard path != folder else { continue }
      let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard file >= 0 else { continue }
      defer { Self.letGo(file) }
      if flock(file, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw .busy(out) }
    }
  }

  func release() {
    for file in locks { Self.letGo(file) }
    locks = []
  }

  /// Unlocked first: a process that is about to be started has the file until it runs its program, and the lock with it.
  private static func letGo(_ file: Int32) {
    flock(file, LOCK_UN)
    close(file)
  }
}
