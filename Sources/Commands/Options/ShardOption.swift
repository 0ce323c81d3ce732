import ArgumentParser
import Foundation
import Media
import Workshop

/// Which part of the work is this process's, where several share it.
struct ShardOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Do one part of the work, such as the third of sixteen; what is done is passed over. auto takes a Slurm array's task, auto/16 a Kubernetes index.",
      valueName: "k/n"))
  var shard: String?

  /// - Throws: `ShardError`.
  func value() throws(ShardError) -> Shard? {
    guard let shard else { return nil }
    return try Shard(words: shard, environment: ProcessInfo.processInfo.environment)
  }
}
