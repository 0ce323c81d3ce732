import Foundation
import Torch

/// Runs one of our rates and its peers in turns, each in a process of its own, and prints a table with ratios.
struct Comparison {
  let rate: String
  let arguments: Arguments
  init(rate: String, _ arguments: Arguments) { (self.rate, self.arguments) = (rate, arguments) }

  func run() {
    let ours = Rate.all[rate]!
    let threads = "\(Threads.count)"
    for variant in ours.variants {
      let own = [Child.own, rate, "--alone", "--threads", threads] + variant.arguments
      let peers = variant.peers.map { (name: $0.name, command: $0.command(arguments)) }
        .filter { Child($0.command, threads: threads).isAble() }
      var figures = [[Double]](repeating: [], count: 1 + peers.count)
      for _ in 0..<(arguments.number("rounds") ?? 3) {
        for (i, command) in ([own] + peers.map(\.command)).enumerated() {
          figures[i].append(Child(command, threads: threads).figure())
        }
      }
      let medians = figures.map(median)
      let names = ["Atelier"] + peers.map(\.name)
      print("\(variant.name), \(threads) threads, LibTorch \(LibTorch.loadedVersion)")
      printTable(
        [["", ours.unit, "least", "most", "Atelier is"]]
          + names.indices.map { i in
            let ratio = i == 0 ? "" : formatted(medians[0] / medians[i], digits: 2) + " ×"
            return [names[i], formatted(medians[i]), formatted(figures[i].min()!), formatted(figures[i].max()!), ratio]
          })
      print()
    }
  }

}

extension Rate.Peer {
  /// What runs it.
  func command(_ arguments: Arguments) -> [String] {
    let path = (arguments.text("peers") ?? "Scripts/peers") + "/" + script
    guard FileManager.default.fileExists(atPath: path) else {
      stop("The peer \(path) isn't there: run this from the root of the checkout, or name the folder with --peers.")
    }
    return [python(arguments), path] + self.arguments
  }
}

func python(_ arguments: Arguments) -> String {
  if let named = arguments.text("python") { return named }
  let own = ".venv/bin/python"
  return FileManager.default.fileExists(atPath: own) ? own : "python3"
}

/// A process that is waited for.
struct Child {
  private let command: [String]
  private let threads: String

  /// This binary.
  static var own: String { Bundle.main.executablePath ?? CommandLine.arguments[0] }

  init(_ command: [String], threads: String) { (self.command, self.threads) = (command, threads) }

  /// What it prints on standard output.
  func output() -> String {
    var lines: [String] = []
    eachLine { lines.append($0) }
    return lines.joined(separator: "\n")
  }

  /// Waits for it, given each line as soon as it is printed.
  func eachLine(_ take: (String) -> Void) {
    _ = peak(take)
  }

  /// The same.
  ///
  /// - Returns: the most memory that it held, in GB; 0 where the system doesn't tell.
  private func peak(_ take: (String) -> Void) -> Double {
    let (code, peak) = ended(take)
    guard code == 0 else {
      stop("\(command.joined(separator: " ")) ended with \(code): does that Python have PyTorch?")
    }
    return peak
  }

  /// Whether this Python has what it needs; says so where it lacks something.
  func isAble() -> Bool { ended { _ in }.code != 69 }

  private func ended(_ take: (String) -> Void) -> (code: Int32, peak: Double) {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = command
    // Python's PyTorch takes its threads from here.
    child.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": threads]) { $1 }
    let output = Pipe()
    child.standardOutput = output
    do { try child.run() } catch { stop("\(command[0]) could not be started: name another with --python.") }
    let memory = PeakMemory(of: child.processIdentifier)
    var rest = Data()
    while case let part = output.fileHandleForReading.availableData, !part.isEmpty {
      rest.append(part)
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        take(String(decoding: rest[..<end], as: UTF8.self))
        rest = Data(rest[rest.index(after: end)...])
      }
    }
    if !rest.isEmpty { take(String(decoding: rest, as: UTF8.self)) }
    child.waitUntilExit()
    return (child.terminationStatus, memory.gigabytes)
  }

  /// The first number that it prints.
  func figure() -> Double { figures(1).numbers[0] }

  /// The first numbers that it prints, and the most memory that it held, in GB.
  func figures(_ count: Int) -> (numbers: [Double], peak: Double) {
    var lines: [String] = []
    let peak = peak { lines.append($0) }
    let numbers = lines.flatMap { $0.split(whereSeparator: \.isWhitespace) }.compactMap { Double($0) }
    guard numbers.count >= count else {
      stop("\(command.joined(separator: " ")) printed no number, but: \(lines.joined(separator: "\n"))")
    }
    return (numbers, peak)
  }
}

/// The most memory that a process has held until now, as Linux tells it while the process lives.
private final class PeakMemory: @unchecked Sendable {
  private let lock = NSLock()
  private let timer = DispatchSource.makeTimerSource()
  private var kilobytes = 0.0

  init(of process: Int32) {
    timer.schedule(deadline: .now(), repeating: .milliseconds(50))
    timer.setEventHandler { [weak self] in
      guard let self, let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let held = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
      else { return }
      self.lock.withLock { self.kilobytes = max(self.kilobytes, held) }
    }
    timer.resume()
  }
  deinit { timer.cancel() }

  var gigabytes: Double { lock.withLock { kilobytes * 1024 / 1e9 } }
}

/// Whole processes: how long until the first tensor.
struct StartUp {
  let arguments: Arguments
  init(_ arguments: Arguments) { self.arguments = arguments }

  func run() {
    let commands = [
      ("Atelier", [Child.own, "nothing"]),
      ("PyTorch", [python(arguments), "-c", "import torch; (torch.zeros(1) + 1).item()"]),
    ]
    var figures = [[Double]](repeating: [], count: 2)
    for _ in 0..<(arguments.number("rounds") ?? 7) {
      for (i, command) in commands.enumerated() {
        figures[i].append(1000 * seconds { _ = Child(command.1, threads: "\(Threads.count)").output() })
      }
    }
    let medians = figures.map(median)
    print("A process that adds two numbers")
    printTable(
      [["", "ms", "least", "most", "Atelier takes"]]
        + commands.indices.map { i in
          let share = i == 0 ? "" : formatted(medians[0] / medians[i], digits: 2) + " of it"
          return [
            commands[i].0, formatted(medians[i], digits: 0), formatted(figures[i].min()!, digits: 0),
            formatted(figures[i].max()!, digits: 0), share,
          ]
        })
  }
}
