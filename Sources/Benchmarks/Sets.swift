import Foundation
import Torch

/// What looking at sets of any size takes: seconds, and the most memory beside mapped files, of the built `atelier`.
///
/// The sets are made by Scripts/sets.py, the run is an `r3gan` that is stopped as soon as it learns.
struct Sets {
  private let arguments: Arguments
  private let atelier: String, folder: String

  init(_ arguments: Arguments) {
    self.arguments = arguments
    atelier = PackingRate.atelier(arguments)
    folder =
      arguments.text("folder") ?? FileManager.default.temporaryDirectory.appendingPathComponent("atelier-sets").path
  }

  func run() {
    let all = [(1000, 64), (10_000, 64), (100_000, 64), (20_000, 256)]
    let most = arguments.number("most") ?? .max
    var rows = [
      [
        "pictures", "pack", "first step", "inspect", "measure", "measure again", "generate", "generate again",
        "most memory",
      ]
    ]
    for (count, size) in all where count <= most {
      rows.append(measured(count, size))
      say(rows.last!.joined(separator: "  "))
    }
    print("Sets of any size, \(Threads.count) threads: seconds (and MB beside mapped files)")
    printTable(rows)
  }

  private func measured(_ count: Int, _ size: Int) -> [String] {
    let pictures = "\(folder)/\(count)-\(size)", workspace = "\(folder)/workspace-\(count)-\(size)",
      run = "\(workspace)/run"
    if !FileManager.default.fileExists(atPath: pictures) {
      try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      _ = Child([python(arguments), "Scripts/sets.py", pictures, "\(count)", "\(size)"], threads: "1").output()
    }
    try? FileManager.default.removeItem(atPath: workspace)
    defer { try? FileManager.default.removeItem(atPath: workspace) }
    func watched(_ words: [String], until event: String? = nil) -> Watched {
      Watched([atelier] + words + ["--workspace", workspace, "--json"], until: event)
    }
    let train = watched(
      ["train", pictures, "--recipe", "r3gan", "--size", "\(size)", "--minutes", "20", "--run", run], until: "reading")
    guard let packed = train.events["packed"], let first = train.events["reading"] else {
      stop("atelier train \(pictures) didn't come to its first step.")
    }
    let inspect = watched(["inspect", pictures])
    let against = ["--against", pictures, "--samples", "1000"]
    let measures = ["a", "b"].map { watched(["measure", run] + against + ["--nearest", "\(workspace)/\($0).png"]) }
    let made = ["a", "b"].map { watched(["generate", run, "--seeds", "0-3", "--out", "\(workspace)/\($0)"]) }
    let all = [train, inspect] + measures + made
    func cell(_ seconds: Double, _ watched: Watched) -> String { "\(formatted(seconds)) (\(watched.megabytes))" }
    return ["\(count) of \(size) px", cell(packed, train), cell(first - packed, train)]
      + ([inspect] + measures + made).map { cell($0.seconds, $0) } + ["\(all.map(\.megabytes).max()!)"]
  }
}

/// A process that is watched while it works.
private struct Watched {
  /// Seconds until each kind of event was told first.
  private(set) var events: [String: Double] = [:]
  private(set) var seconds = 0.0
  /// The most memory that no file is behind.
  private(set) var megabytes = 0

  /// - Parameter event: ends it in an orderly way when it tells this.
  init(_ command: [String], until event: String?) {
    let child = Process(),
      output = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    FileManager.default.createFile(atPath: output, contents: nil)
    defer { unlink(output) }
    child.executableURL = URL(fileURLWithPath: command[0])
    child.arguments = Array(command.dropFirst())
    child.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "\(Threads.count)"]) { $1 }
    child.standardOutput = FileHandle(forWritingAtPath: output)
    child.standardError = FileHandle.nullDevice
    let start = ContinuousClock.now
    do { try child.run() } catch { stop("\(command[0]) could not be started.") }
    let reader = FileHandle(forReadingAtPath: output)!
    var rest = ""
    while true {
      let isRunning = child.isRunning
      seconds = (ContinuousClock.now - start) / .seconds(1)
      megabytes = max(megabytes, Self.memory(of: child.processIdentifier))
      rest += String(decoding: reader.availableData, as: UTF8.self)
      while let end = rest.firstIndex(of: "\n") {
        let object = try? JSONSerialization.jsonObject(with: Data(rest[..<end].utf8)) as? [String: Any]
        if let name = object?["event"] as? String, events[name] == nil { events[name] = seconds }
        rest = String(rest[rest.index(after: end)...])
      }
      guard isRunning else { break }
      if let event, events[event] != nil { child.interrupt() }
      usleep(20_000)
    }
    guard child.terminationStatus == 0 || event != nil else {
      stop("\(command.joined(separator: " ")) ended with \(child.terminationStatus).")
    }
  }

  /// Megabytes that no file is behind; 0 where the system has no /proc.
  private static func memory(of process: Int32) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
      let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return kilobytes / 1024
  }
}
