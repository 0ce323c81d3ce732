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
    let (words, code) = ended()
    guard code == 0 else {
      stop("\(command.joined(separator: " ")) ended with \(code): does that Python have PyTorch?")
    }
    return words
  }

  /// Whether this Python has what it needs; says so where it lacks something.
  func isAble() -> Bool { ended().code != 69 }

  private func ended() -> (words: String, code: Int32) {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = command
    // Python's PyTorch takes its threads from here.
    child.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": threads]) { $1 }
    let output = Pipe()
    child.standardOutput = output
    do { try child.run() } catch { stop("\(command[0]) could not be started: name another with --python.") }
    let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    return (words, child.terminationStatus)
  }

  /// The first number that it prints.
  func figure() -> Double { figures(1)[0] }

  /// The first numbers that it prints.
  func figures(_ count: Int) -> [Double] {
    let words = output()
    let numbers = words.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count >= count else {
      stop("\(command.joined(separator: " ")) printed no number, but: \(words)")
    }
    return numbers
  }
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
