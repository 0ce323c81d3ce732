import Foundation
import LargeModels
import Torch

/// Drawing with a large model and teaching it a LoRA, part by part, beside diffusers and peft in turns.
struct LargeRate {
  private let arguments: Arguments
  private let folder: String
  private let size: Int, steps: Int
  /// float32 or bfloat16, on both sides.
  private let precision: String

  init(_ arguments: Arguments) {
    self.arguments = arguments
    guard let folder = arguments.text("model") else {
      stop("Name a model's folder by --model; Scripts/peers/large_torch.py make FOLDER makes one with random weights.")
    }
    self.folder = folder
    (size, steps) = (arguments.number("size") ?? 512, arguments.number("steps") ?? 4)
    precision = arguments.text("precision") ?? (Device.cpu.prefersBFloat16 ? "bfloat16" : "float32")
    guard ["float32", "bfloat16"].contains(precision) else { stop("--precision is float32 or bfloat16.") }
    guard size > 0, size % 8 == 0, steps > 1 else { stop("--size is a multiple of 8, and --steps more than 1.") }
  }

  /// What is measured, by the names in which processes tell it, and with which unit.
  private static let rows = [
    ("start", "start to the first step", "s"), ("text", "two texts", "s"), ("step", "a step with guidance", "s"),
    ("decoding", "decoding", "s"), ("memory", "memory, without mapped files", "GB"), ("peak", "peak memory", "GB"),
    ("lora", "a LoRA's training step", "s"), ("lora-memory", "its peak memory", "GB"),
  ]

  func run() {
    if arguments.flag("profile") { return profile() }
    if arguments.flag("alone") { return arguments.flag("lora") ? learn() : draw() }
    let threads = "\(Threads.count)"
    let script = (arguments.text("peers") ?? "Scripts/peers") + "/large_torch.py"
    guard FileManager.default.fileExists(atPath: script) else {
      stop("The peer \(script) isn't there: run this from the root of the checkout, or name the folder with --peers.")
    }
    let own = [Child.own, "large", "--alone", "--threads", threads, "--model", folder, "--size", "\(size)"]
    var commands = [
      [
        own + ["--steps", "\(steps)", "--precision", precision],
        [python(arguments), script, "draw", folder, "\(size)", "\(steps)", precision],
      ]
    ]
    if !arguments.flag("without-lora") {
      commands.append([own + ["--lora"], [python(arguments), script, "lora", folder, "\(size)"]])
    }
    var figures = [[String: [Double]]](repeating: [:], count: 2)
    for _ in 0..<(arguments.number("rounds") ?? 3) {
      for pair in commands {
        for (i, command) in pair.enumerated() {
          let launched = Date().timeIntervalSince1970
          for line in Child(command, threads: threads).output().split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let value = Double(words[1]) else { continue }
            // The clock at the first step, from the start of the process.
            let isFirst = words[0] == "first"
            figures[i][isFirst ? "start" : String(words[0]), default: []].append(isFirst ? value - launched : value)
          }
        }
      }
    }
    print(
      "SD 1.5's layout, random weights, \(precision), \(size) × \(size) px, \(threads) threads, LibTorch \(LibTorch.loadedVersion)"
    )
    func cell(_ values: [Double]?) -> String { values.map { formatted(median($0), digits: 2) } ?? "-" }
    let table = Self.rows.compactMap { key, name, unit -> [String]? in
      guard let mine = figures[0][key] else { return nil }
      let theirs = figures[1][key]
      let ratio = theirs.map { formatted(median($0) / median(mine), digits: 2) + " ×" } ?? "-"
      return ["\(name), \(unit)", cell(mine), cell(theirs), ratio]
    }
    printTable([["", "Atelier", "diffusers", "theirs is"]] + table)
  }

  /// Prints where the time of a step with guidance goes, by operators, and where decoding's.
  private func profile() {
    do {
      let pipeline = try DrawingPipeline(LargeModel(folder), precision: type)
      let request = self.request(steps: 1)
      let most = arguments.number("most") ?? 30
      var latents = try pipeline.latents(request, seed: 7)
      let step = Work(windows: 1, of: 1) { _ in
        withoutGradients { latents = (try? pipeline.latents(request, seed: 7)) ?? latents }
      }
      Profile(name: "a step with guidance, with its texts", work: step).run(most: most)
      let decoding = Work(windows: 1, of: 1) { _ in withoutGradients { _ = pipeline.decoded(latents) } }
      Profile(name: "decoding", work: decoding).run(most: most)
    } catch { stop("\(folder) can't be drawn with: \(error)") }
  }

  private var type: DType { precision == "bfloat16" ? .bfloat16 : .float32 }

  private func request(steps: Int) -> DrawingRequest {
    var request = DrawingRequest(prompt: "a photo of an astronaut riding a horse on mars")
    (request.steps, request.size, request.sampler, request.spacing) = (steps, (size, size), .ddim, .leading)
    return request
  }

  /// Prints what drawing takes, a name and a number a line.
  private func draw() {
    Memory.keepFreed()
    Memory.mapLargeBlocks()
    let clock = ContinuousClock()
    let request = self.request(steps: steps)
    do {
      let model = try LargeModel(folder)
      let pipeline = try DrawingPipeline(model, precision: type)
      var (last, taken, held, first) = (clock.now, [Double](), 0.0, 0.0)
      _ = try pipeline.draw(request, seed: 7) { _ in
        let now = clock.now
        if taken.isEmpty { first = Date().timeIntervalSince1970 }
        taken.append(Self.seconds(now - last))
        held = max(held, Self.memory("RssAnon"))
        last = now
      }
      held = max(held, Self.memory("RssAnon"))
      let peak = Self.memory("VmHWM")
      // Again, with what was read before.
      let latents = pipeline.noise(of: request, seed: 7)
      withoutGradients { _ = pipeline.decoded(latents) }
      let decoding = Self.seconds(clock.measure { withoutGradients { _ = pipeline.decoded(latents) } })
      pipeline.encodeWords(of: request)
      let text = Self.seconds(clock.measure { pipeline.encodeWords(of: request) })
      print("first \(first)\ntext \(text)\nstep \(median(Array(taken.dropFirst())))\ndecoding \(decoding)")
      print("memory \(held)\npeak \(peak)")
    } catch { stop("\(folder) can't be drawn with: \(error)") }
  }

  /// Prints what a LoRA's step takes, in float32, with rank 16.
  private func learn() {
    Memory.keepFreed()
    Memory.mapLargeBlocks()
    do {
      let pipeline = try DrawingPipeline(LargeModel(folder), precision: .float32)
      var noise = Noise(seed: 1)
      let training = AdapterTraining(pipeline, memoryIsShort: arguments.flag("recompute"), noise: &noise)
      let picture = noise.uniform([1, 3, size, size], from: -1, to: 1)
      let example = training.example(picture, caption: "a photo", noise: &noise)
      var taken: [Double] = []
      for _ in 0..<3 {
        taken.append(Self.seconds(ContinuousClock().measure { training.step([example], noise: &noise) }))
      }
      print("lora \(median(Array(taken.dropFirst())))\nlora-memory \(Self.memory("VmHWM"))")
    } catch { stop("\(folder) can't be taught: \(error)") }
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  /// Of this process, in GB; 0 where the system doesn't tell.
  private static func memory(_ name: String) -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }.first
    return (kilobytes ?? 0) * 1024 / 1e9
  }
}
