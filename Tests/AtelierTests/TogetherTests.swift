import Foundation
import TestSupport
import Testing
import Torch

/// Several processes that train one model, as an artist or a cluster starts them.
@Suite(.serialized) struct TogetherTests {
  private static let small = ["train", Binary.pictures, "--batch", "8", "--no-best", "--precision", "float32"]

  private func last(_ atelier: Binary, _ run: String) throws -> [String: Tensor] {
    try Safetensors.read("\(atelier.folder)/\(run)/checkpoints/\(#require(try atelier.checkpoints(run).last))").tensors
  }

  /// What a step moved, as two checkpoints have it: the largest difference of a tensor, beside its norm, or a thousandth of the largest
  /// norm of its optimizer where it is nothing but rounding (a relativistic loss has no gradient of the last bias).
  private func difference(_ a: [String: Tensor], _ b: [String: Tensor]) throws -> Double {
    func norm(_ tensor: Tensor) -> Double { sqrt(square(tensor.to(.float64)).sum().item()) }
    var most = 0.0
    for optimizer in Set(a.keys.filter { $0.hasPrefix("optimizer") }.map { $0.split(separator: "/")[0] }) {
      let own = a.filter { $0.key.hasPrefix("\(optimizer)/exp_avg.") }
      let largest = own.values.map(norm).max() ?? 0
      #expect(largest > 0, "\(optimizer)")
      for (name, tensor) in own {
        let apart = norm(tensor - (try #require(b[name]))) / max(norm(tensor), 1e-3 * largest)
        most = max(most, apart)
      }
    }
    return most
  }

  /// The first step of two processes has the gradients of one, within rounding; and what follows goes where one's does, as long as
  /// rounding decides nothing.
  @Test(arguments: [
    ["--recipe", "dcgan", "--width", "4", "--latent", "8", "--size", "32"],
    ["--recipe", "r3gan", "--preset", "small", "--traits", "0", "--augment", "0", "--penalised", "8", "--size", "16"],
    ["--recipe", "stylegan2", "--traits", "0", "--adapt", "0", "--size", "16"],
    ["--recipe", "stylegan2", "--traits", "0", "--adapt", "0", "--augment", "0.5", "--size", "16"],
    ["--recipe", "vae", "--size", "16"],
  ])
  func areAsGoodAsOne(_ recipe: [String]) throws {
    try inFolder { atelier in
      for (run, processes) in [("one", 1), ("two", 2)] {
        let more = processes > 1 ? ["--processes", "\(processes)"] : []
        let made = try atelier.run(Self.small + recipe + ["--pictures-seen", "8", "--run", run] + more)
        #expect(made.status == 0, "\(made.err)")
        #expect(
          made.out.contains("2 processes train together, each on 4 pictures of every batch.") == (processes == 2),
          "\(made.out)")
      }
      let (one, two) = (try last(atelier, "one"), try last(atelier, "two"))
      #expect(try difference(one, two) < 1e-3)
      if let mean = one["generator/mapping.w_avg"], let other = two["generator/mapping.w_avg"] {
        #expect(abs(mean - other).max().item() < 1e-5)
      }
    }
  }

  /// A run goes on with another number of processes, and with one.
  @Test func goesOnWithAnyNumber() throws {
    try inFolder { atelier in
      let dcgan = ["--recipe", "dcgan", "--width", "4", "--latent", "8", "--size", "32", "--run", "run"]
      #expect(try atelier.run(Self.small + dcgan + ["--pictures-seen", "48", "--processes", "2"]).status == 0)
      for (pictures, processes) in [(64, 4), (80, 1)] {
        let more = processes > 1 ? ["--processes", "\(processes)"] : []
        let made = try atelier.run(
          ["train", "--resume", "--run", "run", "--pictures-seen", "\(pictures)", "--no-best"] + more)
        #expect(made.status == 0, "\(made.err)")
      }
      let whole = try atelier.run(Self.small + dcgan.dropLast() + ["one", "--pictures-seen", "48"])
      #expect(whole.status == 0, "\(whole.err)")
      #expect(try atelier.checkpoints("run").last == "000000000080.safetensors")
    }
  }

  /// Batches that can't be shared out, and a count that is none.
  @Test func whatIsRefused() throws {
    try inFolder { atelier in
      let odd = try atelier.run(
        Self.small + ["--recipe", "vae", "--size", "16", "--pictures-seen", "8", "--run", "a", "--processes", "3"])
      #expect(odd.status == 64 && odd.err.contains("3"), "\(odd.status) \(odd.err)")
      let none = try atelier.run(Self.small + ["--recipe", "vae", "--size", "16", "--run", "b", "--processes", "0"])
      #expect(none.status == 64, "\(none.status) \(none.err)")
    }
  }

  /// Started as torchrun, srun and Kubernetes start processes: by variables. One that is lost ends the others, with a sentence.
  @Test func byVariables() throws {
    try inFolder { atelier in
      func started(_ rank: Int, _ port: Int, _ pictures: Int) throws -> Binary.Running {
        try atelier.start(
          Self.small + ["--recipe", "vae", "--size", "16", "--pictures-seen", "\(pictures)", "--run", "r\(port)"],
          through: "export RANK=\(rank) WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=\(port);")
      }
      let ports = [Int.random(in: 20_000..<40_000), Int.random(in: 40_000..<60_000)]
      let both = try (0..<2).map { try started($0, ports[0], 32) }
      for one in both { #expect(try one.finish(seconds: 120).status == 0) }
      let lost = try (0..<2).map { try started($0, ports[1], 10_000_000) }
      try lost[0].wait(seconds: 120) { lost[0].output.contains("pictures/s") }
      lost[1].send(SIGKILL)
      let left = try lost[0].finish(seconds: 120)
      #expect(left.status == 69 && left.err.contains("Another process of this training is gone"), "\(left.err)")
      #expect(try !atelier.checkpoints("r\(ports[1])").isEmpty)
    }
  }
}
