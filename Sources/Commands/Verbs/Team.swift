import Foundation
import Torch
import Workshop

/// The processes that train together: those that torchrun or a cluster started, or some of this machine's own.
final class Team {
  let group: ProcessGroup
  private var others: [Process] = []

  /// - Parameter count: how many this process starts, itself included; nil joins those that were started by others.
  /// - Returns: nil where it is alone.
  /// - Throws: `ProcessGroupError`.
  init?(_ count: Int?) throws {
    if let group = try ProcessGroup.launched() {
      self.group = group
      return
    }
    guard let count, count > 1 else { return nil }
    let meeting = try ProcessGroup.Meeting(host: "127.0.0.1", port: 0, serves: true)
    let cores = Threads.count
    if ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] == nil { Threads.count = max(1, cores / count) }
    for rank in 1..<count {
      let other = Process()
      other.executableURL = Bundle.main.executableURL
      other.arguments = Atelier.words
      other.environment = ProcessInfo.processInfo.environment.merging([
        "RANK": "\(rank)", "WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(meeting.port)",
        "OMP_NUM_THREADS": "\(Threads.count)",
      ]) { $1 }
      (other.standardInput, other.standardOutput) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try other.run()
      others.append(other)
    }
    group = try ProcessGroup(at: meeting, name: "atelier 0", rank: 0, count: count)
  }

  /// Waits for those that this process started; they end with the training.
  func finish() { for other in others { other.waitUntilExit() } }

  /// Ends them, since there will be no training.
  func dismiss() { for other in others where other.isRunning { other.terminate() } }

  /// Whether torchrun started all of them again, after one was lost.
  static var isRestarted: Bool {
    Int(ProcessInfo.processInfo.environment["TORCHELASTIC_RESTART_COUNT"] ?? "0") ?? 0 > 0
  }
}
