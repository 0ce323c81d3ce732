import Foundation
import Workshop

import enum Training.Ending
import struct Training.Report

/// Tells how a training goes: to people by a bar and lines, to programs by events.
struct Narrator {
  private let console: Console
  private var bar: Bar
  private var lastPacking = 0.0
  private var folder = ""
  private var lastSheet: String?
  private var record: RunRecord?
  private var best: Quality?
  private let saysNext: Bool
  /// Of training, when it has finished.
  private(set) var seconds = 0.0

  /// - Parameter saysNext: whether to end with what to type next.
  init(_ console: Console, saysNext: Bool = true) {
    (self.console, bar, self.saysNext) = (console, Bar(console), saysNext)
  }

  mutating func tell(_ event: TrainEvent) {
    switch event {
    case .packing(let done, let all): packing(done, all)
    case .packed(let packed):
      bar.close()
      // From here on there is something to save.
      Interruption.watch()
      console.event("packed", encoding: packed)
      for file in packed.setAside.prefix(5) { console.line("Left out: \(file.name) \(file.reason).") }
      if packed.setAside.count > 5 { console.line("Left out: \(grouped(packed.setAside.count - 5)) more files.") }
    case .chosen(let record, let words):
      console.event("chosen", ["recipe": record.recipe, "settings": record.settings, "words": words])
      console.line(words)
    case .started(let folder, let record, let from):
      self.folder = folder
      self.record = record
      console.event(
        "started", ["run": folder, "recipe": record.recipe, "pictures": record.count, "picturesSeen": from])
      if let estimate = record.estimate { console.event("estimate", encoding: estimate) }
      let start =
        from > 0 ? "Going on after \(counted(from, "picture"))" : "Training on \(counted(record.count, "picture"))"
      let room = from == 0 ? record.estimate?.bytes.map { " (at most \(spoken(bytes: $0)))" } : nil
      console.line("\(start), in \(folder)\(room ?? "")")
    case .note(let words): say("note", ["text": words], words)
    case .reading(let report):
      console.event("reading", encoding: report)
      bar.show(report.fraction, words(of: report))
    case .sample(let path, let seen):
      lastSheet = path
      console.event("sample", ["path": path, "picturesSeen": seen])
    case .saved(let path, let seen): console.event("saved", ["path": path, "picturesSeen": seen])
    case .rolledBack(let reason, let to):
      say(
        "rolledBack", ["reason": reason, "picturesSeen": to],
        "Training diverged (\(reason)): back to the checkpoint of \(counted(to, "picture")), with half the learning rate."
      )
    case .measured(let look, let isBest): measured(look, isBest)
    case .trouble(let trouble):
      say("trouble", ["cause": trouble.cause.rawValue, "text": trouble.words], "Trouble: \(trouble.words)")
    case .finished(let ending, let report, _): finished(ending, report)
    }
  }

  private mutating func measured(_ look: Quality, _ isBest: Bool) {
    if isBest { best = look }
    say(
      "measured",
      ["kid": look.kid, "kidError": look.error, "picturesSeen": look.picturesSeen, "isBest": isBest],
      "KID × 1000 \(spoken(look.kid)) ± \(spoken(look.error)) after \(counted(look.picturesSeen, "picture"))"
        + (isBest ? ", the best so far" : ""))
  }

  private mutating func packing(_ done: Int, _ all: Int) {
    bar.show(Double(done) / Double(max(1, all)), ["reading pictures", "\(grouped(done)) of \(grouped(all))"])
    let now = ProcessInfo.processInfo.systemUptime
    guard now - lastPacking > 1 || done == all else { return }
    lastPacking = now
    console.event("packing", ["done": done, "of": all])
  }

  /// A line among the bars.
  private mutating func say(_ event: String, _ fields: [String: Any], _ words: String) {
    bar.interrupt()
    console.event(event, fields)
    console.line(words)
  }

  private func words(of report: Report) -> [String] {
    let rate = report.picturesPerSecond
    let left = report.secondsLeft
    return [
      rate > 0 ? "\(rate < 10 ? spoken(rate) : grouped(Int(rate))) pictures/s" : nil,
      left > 0 ? "\(spoken(seconds: left)) left" : nil,
      "\(grouped(report.picturesSeen)) seen",
    ].compactMap { $0 } + report.figures.map { "\($0.name) \(spoken($0.value))" }
  }

  private mutating func finished(_ ending: Ending, _ report: Report) {
    bar.close()
    seconds = report.seconds
    console.event(
      "finished",
      [
        "ending": ending.rawValue, "run": folder, "picturesSeen": report.picturesSeen, "seconds": report.seconds,
        "secondsAside": report.secondsAside, "bytes": folderBytes(folder),
      ])
    let seen = "\(counted(report.picturesSeen, "picture")) seen in \(spoken(seconds: report.seconds))"
    if let lastSheet { show(lastSheet, on: console) }
    console.line(lastSheet.map { "\(seen); samples are in \($0)" } ?? seen)
    if ending == .completed, let estimate = record?.estimate, report.seconds > 60 {
      let words = estimate.compared(with: report, bytes: folderBytes(folder))
      console.line(words.prefix(1).uppercased() + words.dropFirst())
    }
    if let best {
      console.line("`generate` takes the best checkpoint, after \(counted(best.picturesSeen, "picture")).")
    }
    guard saysNext else { return }
    switch ending {
    case .completed:
      if let record { console.line("Next: ./\(record.use.example(for: folder))") }
    case .stopped: console.line("Saved. Go on with: ./atelier train --resume --run \(folder)")
    }
  }
}
