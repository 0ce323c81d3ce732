import Foundation
import Torch

/// Every rate beside what this processor can do at most: docs/performance/COMMIT.json, a table, and a plot.
struct Roofline {
  struct Row: Codable {
    let name: String, unit: String
    /// Medians of the rounds, and their range.
    let rate: Double, least: Double, most: Double
    /// Of a thing; 0 where operators do little of the work.
    let flops: Double, bytes: Double
    /// Rates of PyTorch's programs, by their names.
    let peers: [String: Double]
    /// The most memory that the process held, in GB, and theirs.
    var memory: Double?, peerMemory: [String: Double]?
    /// Billions a second.
    var flopRate: Double { rate * flops / 1e9 }
    var byteRate: Double { rate * bytes / 1e9 }
  }
  struct Report: Codable {
    let commit: String, date: String, machine: String, torch: String
    let threads: Int, rounds: Int
    let peaks: Peaks
    let rows: [Row]
  }
  static let folder = "docs/performance"

  let arguments: Arguments
  init(_ arguments: Arguments) { self.arguments = arguments }

  func run() {
    let threads = "\(Threads.count)", rounds = arguments.number("rounds") ?? 3
    let only = arguments.text("only").map { Set($0.split(separator: ",").map(String.init)) }
    say("Peaks of this processor on \(threads) threads:")
    let peaks = Peaks.measured()
    for (name, rates) in [("product of matrices", peaks.matmul), ("convolution", peaks.convolution)] {
      say(
        "  \(name): "
          + rates.sorted { $0.key < $1.key }.map { "\(formatted($1)) GFLOP/s in \($0)" }.joined(separator: ", "))
    }
    say("  copy: \(formatted(peaks.copy)) GB/s")
    var rows: [Row] = []
    for (name, rate) in Rate.all.sorted(by: { $0.key < $1.key }) where only?.contains(name) ?? true {
      for variant in rate.variants {
        let command = [Child.own, name, "--threads", threads] + variant.arguments
        let costs = Child(command + ["--costs"], threads: threads).figures(2).numbers
        // The first run warms up files and caches, and tells whether this Python has what it needs.
        let able = (arguments.flag("without-peers") ? [] : variant.peers).map { ($0.name, $0.command(arguments)) }
          .filter { Child($0.1, threads: threads).isAble() }
        typealias Figures = [(numbers: [Double], peak: Double)]
        var own: Figures = [], peers: [String: Figures] = [:]
        for _ in 0..<rounds {
          own.append(Child(command + ["--alone"], threads: threads).figures(1))
          for (name, command) in able { peers[name, default: []].append(Child(command, threads: threads).figures(1)) }
        }
        let rates = own.map { $0.numbers[0] }
        rows.append(
          Row(
            name: variant.name, unit: rate.unit, rate: median(rates), least: rates.min()!, most: rates.max()!,
            flops: costs[0], bytes: costs[1], peers: peers.mapValues { median($0.map { $0.numbers[0] }) },
            memory: median(own.map(\.peak)), peerMemory: peers.mapValues { median($0.map(\.peak)) }))
        say("\(variant.name): \(formatted(rows.last!.rate)) \(rate.unit)")
      }
    }
    if only?.contains("packing") ?? true, !arguments.flag("without-peers") {
      let packing = PackingRate(arguments), (own, peers) = packing.rates()
      rows.append(
        Row(
          name: packing.name, unit: "pictures/s", rate: median(own), least: own.min()!, most: own.max()!, flops: 0,
          bytes: 0, peers: ["Pillow in threads": median(peers)]))
      say("\(packing.name): \(formatted(rows.last!.rate)) pictures/s")
    }
    let report = Report(
      commit: Child(["git", "describe", "--always", "--dirty"], threads: threads).output().trimmed,
      date: String(ISO8601DateFormatter().string(from: Date()).prefix(10)), machine: Self.machine,
      torch: LibTorch.loadedVersion, threads: Threads.count, rounds: rounds, peaks: peaks, rows: rows)
    tell(report)
    if let kept = Self.last(on: report) { compare(report, with: kept) }
    if arguments.flag("keep") { keep(report) }
  }

  private func tell(_ report: Report) {
    print(
      "\n\(report.machine), \(report.threads) threads, LibTorch \(report.torch), \(report.commit), \(report.rounds) rounds\n"
    )
    print(Self.table(report).joined(separator: "\n"))
  }

  /// In Markdown.
  private static func table(_ report: Report) -> [String] {
    let head = ["", "rate", "MFLOP each", "GFLOP/s", "of the peak", "MB each", "GB/s", "memory, GB", "beside PyTorch"]
    return [head, head.map { _ in "---" }].map { "| " + $0.joined(separator: " | ") + " |" }
      + report.rows.map { row in
        let beside = row.peers.sorted { $0.key < $1.key }.map {
          "\(formatted(row.rate / $1, digits: 2)) × (\($0.replacingOccurrences(of: "PyTorch, ", with: "")))"
        }
        let costs =
          row.flops == 0
          ? Array(repeating: "", count: 5)
          : [
            formatted(row.flops / 1e6), formatted(row.flopRate),
            formatted(100 * row.flopRate / report.peaks.most) + " %", formatted(row.bytes / 1e6),
            formatted(row.byteRate),
          ]
        let cells =
          [row.name, "\(formatted(row.rate)) \(row.unit) (\(formatted(row.least)) to \(formatted(row.most)))"] + costs
          + [memory(row), beside.joined(separator: ", ")]
        return "| " + cells.joined(separator: " | ") + " |"
      }
  }

  /// Ours, and its part of that of PyTorch's program that takes the least.
  private static func memory(_ row: Row) -> String {
    guard let memory = row.memory, memory > 0 else { return "" }
    let ratio = row.peerMemory?.values.min().map { ", \(formatted(memory / $0, digits: 2)) of it" } ?? ""
    return formatted(memory, digits: 2) + ratio
  }

  /// The report of the same machine and threads that was kept last.
  private static func last(on report: Report) -> Report? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") }.compactMap { name -> (Date, Report)? in
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)"),
        let kept = try? JSONDecoder().decode(Report.self, from: data), kept.machine == report.machine,
        kept.threads == report.threads
      else { return nil }
      let facts = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
      return (facts?[.modificationDate] as? Date ?? .distantPast, kept)
    }.max { ($0.1.date, $0.0) < ($1.1.date, $1.0) }?.1
  }

  /// Says what became slower by more than a tenth, as a part of this machine's peak: another hour's machine may be slower.
  private func compare(_ report: Report, with kept: Report) {
    let slower = report.rows.compactMap { row -> String? in
      guard let before = kept.rows.first(where: { $0.name == row.name }) else { return nil }
      let ratio = row.rate / report.peaks.most / (before.rate / kept.peaks.most)
      return ratio < 0.9
        ? "\(row.name): \(formatted(row.rate)) \(row.unit), \(formatted(before.rate)) at \(kept.commit); \(formatted(100 * (1 - ratio), digits: 0)) % less of the peak"
        : nil
    }
    print(
      "\nBeside \(kept.commit) of \(kept.date): "
        + (slower.isEmpty ? "nothing is slower by a tenth." : "slower by more than a tenth:"))
    for line in slower { print("  " + line) }
  }

  private func keep(_ report: Report) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
      try encoder.encode(report).write(to: URL(fileURLWithPath: "\(Self.folder)/\(report.commit).json"))
      try Data(RooflinePlot(report).svg.utf8).write(to: URL(fileURLWithPath: "\(Self.folder)/roofline.svg"))
      let head =
        "\(report.machine), \(report.threads) threads, LibTorch \(report.torch), \(report.commit), \(report.date), medians of \(report.rounds) rounds. "
        + "Peaks: \(formatted(report.peaks.most)) GFLOP/s, copies \(formatted(report.peaks.copy)) GB/s.\n\n"
      try Data((head + Self.table(report).joined(separator: "\n") + "\n").utf8).write(
        to: URL(fileURLWithPath: "\(Self.folder)/roofline.md"))
    } catch { stop("\(Self.folder) can't be written: \(error.localizedDescription)") }
    print("\nKept in \(Self.folder).")
  }

  private static var machine: String {
    let facts = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = facts.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return model.map { String($0).trimmed } ?? "an unknown processor"
  }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
