import Foundation
import TestSupport
import Testing
import Torch

/// Training as clusters start it: by PyTorch's own torchrun, and on several machines.
@Suite(.serialized) struct ClusterTests {
  private static let torchrun = Checkout.root + "/.venv/bin/torchrun"
  /// An autoencoder: rounding decides nothing in it.
  private static let vae = [
    "train", Binary.pictures, "--batch", "8", "--no-best", "--precision", "float32", "--recipe", "vae", "--size", "16",
  ]

  /// Twenty steps lead to the same weights, within rounding.
  private func expectSame(_ atelier: Binary, _ one: String, _ other: String) throws {
    func weights(_ run: String) throws -> [String: Tensor] {
      let name = "000000000160.safetensors"
      #expect(try atelier.checkpoints(run).last == name)
      return try Safetensors.read("\(atelier.folder)/\(run)/checkpoints/\(name)").tensors
    }
    func power(_ tensor: Tensor) -> Double { square(tensor.to(.float64)).sum().item() }
    let (a, b) = (try weights(one), try weights(other))
    #expect(a.keys == b.keys)
    var apart = 0.0, all = 0.0
    for (name, tensor) in a where !name.hasPrefix("optimizer") && tensor.dtype == .float32 {
      (apart, all) = (apart + power(tensor - (try #require(b[name]))), all + power(tensor))
    }
    #expect(all > 0 && sqrt(apart / all) < 1e-3, "\(sqrt(apart / all))")
  }

  /// The processes that train in a run, which nobody but this test started.
  private func workers(_ atelier: Binary, _ run: String) -> [pid_t] {
    let all = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    return all.filter { pid in
      guard let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline")?.split(separator: 0),
        let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
      else { return false }
      return words.first.map { String(decoding: $0, as: UTF8.self) } == Binary.path && folder.hasSuffix(atelier.folder)
        && words.contains { String(decoding: $0, as: UTF8.self) == run }
    }
  }

  @Test(
    .enabled(if: access(torchrun, X_OK) == 0, "there is no torchrun: Scripts/setup --tests installs PyTorch's wheel"))
  func byTorchrun() throws {
    try inFolder { atelier in
      #expect(try atelier.run(Self.vae + ["--pictures-seen", "160", "--run", "one"]).status == 0)
      let many = ["--no-python", "--standalone", "--nproc-per-node", "2", "--max-restarts", "3", "--", Binary.path]
      let made = try atelier.run(many + Self.vae + ["--pictures-seen", "160", "--run", "two"], by: Self.torchrun)
      #expect(made.status == 0, "\(made.err)")
      try expectSame(atelier, "one", "two")

      // A worker is lost: torchrun starts all of them again, and the run goes on from its last checkpoint.
      let running = try atelier.start(
        many + Self.vae + ["--pictures-seen", "800", "--run", "lost", "--save-every", "1"], by: Self.torchrun)
      try running.wait { ((try? atelier.checkpoints("lost").count) ?? 0) > 2 }
      kill(try #require(workers(atelier, "lost").last), SIGKILL)
      let ended = try running.finish()
      #expect(ended.status == 0, "\(ended.out.suffix(500)) \(ended.err.suffix(1500))")
      #expect(try atelier.checkpoints("lost").last == "000000000800.safetensors")
    }
  }

  /// Whether this user may make network namespaces: two of them are two machines, as far as a network shows.
  private static let hasNamespaces: Bool = {
    let name = "atelier-\(getpid())"
    return ip("netns", "add", name) && ip("netns", "exec", name, "true") && ip("netns", "del", name)
  }()
  @discardableResult
  private static func ip(_ words: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["PATH=/usr/sbin:/sbin:/usr/bin:/bin", "ip"] + words
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test(.enabled(if: hasNamespaces, "network namespaces need root and iproute2"), arguments: [2, 4])
  func onSeveralMachines(_ count: Int) throws {
    let names = (0..<2).map { "atelier-\(getpid())-\(count)-\($0)" }, links = (0..<2).map { "at\(count)\($0)" }
    defer { for name in names { Self.ip("netns", "del", name) } }
    for name in names { try #require(Self.ip("netns", "add", name)) }
    try #require(Self.ip("link", "add", links[0], "type", "veth", "peer", "name", links[1]))
    for i in 0..<2 {
      try #require(Self.ip("link", "set", links[i], "netns", names[i]))
      try #require(Self.ip("-n", names[i], "addr", "add", "10.213.\(count).\(i + 1)/24", "dev", links[i]))
      for link in [links[i], "lo"] { try #require(Self.ip("-n", names[i], "link", "set", link, "up")) }
    }
    try inFolder { atelier in
      #expect(try atelier.run(Self.vae + ["--pictures-seen", "160", "--run", "one"]).status == 0)
      let running = try (0..<count).map { rank in
        try atelier.start(
          [
            "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "ip", "netns", "exec", names[rank * 2 / count], "env",
            "RANK=\(rank)", "WORLD_SIZE=\(count)", "MASTER_ADDR=10.213.\(count).1", "MASTER_PORT=29500", Binary.path,
          ] + Self.vae + ["--pictures-seen", "160", "--run", "many"], by: "/usr/bin/env")
      }
      for one in running {
        let ended = try one.finish(seconds: 120)
        #expect(ended.status == 0, "\(ended.err)")
      }
      try expectSame(atelier, "one", "many")
    }
  }

  /// Workers are killed at random moments; no checkpoint is lost, and the run goes on with another number of processes.
  ///
  /// ATELIER_KILLS says how often; three times by default.
  @Test func killedAtRandom() throws {
    try inFolder { atelier in
      let run = ["--run", "run", "--pictures-seen", "10000000", "--save-every", "1"]
      var kept: [String] = []
      for i in 0..<(Int(ProcessInfo.processInfo.environment["ATELIER_KILLS"] ?? "") ?? 3) {
        let count = [2, 4, 1][i % 3]
        let more = (count > 1 ? ["--processes", "\(count)"] : []) + run
        let running = try atelier.start(
          i == 0 ? Self.vae + more : ["train", "--resume", "--no-best"] + more)
        let before = kept.last ?? ""
        try running.wait(seconds: 120) { ((try? atelier.checkpoints("run").last) ?? nil ?? "") > before }
        usleep(UInt32.random(in: 0..<1_000_000))
        kill(try #require(workers(atelier, "run").randomElement()), SIGKILL)
        let ended = try running.finish(seconds: 120)
        // The first process, another, or the only one.
        #expect([69, 1009].contains(ended.status), "\(ended.status) \(ended.err)")
        let all = try atelier.checkpoints("run")
        #expect(all.last ?? "" > before, "\(kept) \(all)")
        kept = all
        for pid in workers(atelier, "run") { kill(pid, SIGKILL) }
      }
      let last = try #require(Int(kept.last?.prefix { $0 != "." } ?? ""))
      // What it was begun with may be said again, and isn't changed.
      let more = ["train", "--resume", "--no-best", "--run", "run", "--pictures-seen", "\(last + 80)"]
      let other = try atelier.run(more + ["--batch", "16"])
      #expect(
        other.status == 64
          && other.err.contains("A run's batch can't be changed from 8 to 16: leave it out, or begin a new run."),
        "\(other.err)")
      let ended = try atelier.run(more + ["--batch", "8", "--recipe", "vae", "--processes", "2"])
      #expect(ended.status == 0, "\(ended.err)")
      #expect(try #require(Int(atelier.checkpoints("run").last?.prefix { $0 != "." } ?? "")) == last + 80)
    }
  }
}
