import Foundation
import Workshop

/// Tells what happens: to people by a bar and lines, to programs by JSON lines. All that verbs tell goes through here.
final class Teller {
  let console: Console
  private var bar: Bar
  private let stops: Stops
  private var lastProgress: (task: Event.Work, seconds: Double)?
  // What later lines refer to.
  private var lastSheet: String?
  private var estimate: Estimate?
  private var files: [MadeFile] = []

  /// When a signal begins to mean that a verb saves and leaves; before that it ends the process.
  enum Stops {
    case never, fromTheStart
    /// A download, or a set that is packed, is stopped at once: there is nothing to save yet.
    case onceItWorks
  }

  init(_ console: Console, stops: Stops) {
    (self.console, bar, self.stops) = (console, Bar(console), stops)
    if stops == .fromTheStart { Interruption.watch() }
  }

  func tell(_ event: Event) {
    watch(event)
    if console.json {
      if isWorthALine(event) { Console.write(event.json + "\n") }
    } else {
      draw(event)
    }
  }

  /// The verb's result, as its last event. A verb that was stopped by a signal leaves with its exit code.
  func finish(_ result: Event.Result) {
    tell(.finished(result))
    Console.leaveIfFailed()
    if result.isStopped { Interruption.leaveIfRequested() }
  }

  /// A line that is for people only, such as a heading.
  func line(_ words: String) {
    bar.interrupt()
    console.line(words)
  }

  private func watch(_ event: Event) {
    guard stops == .onceItWorks else { return }
    switch event {
    case .packed, .made: Interruption.watch()
    case .progress(let progress) where progress.task != .packing: Interruption.watch()
    default: break
    }
  }

  /// Progress is told ten times a second at most; the first and the last of a task always are.
  private func isWorthALine(_ event: Event) -> Bool {
    guard case .progress(let progress) = event else { return true }
    let now = ProcessInfo.processInfo.systemUptime
    if let lastProgress, lastProgress.task == progress.task, progress.fraction < 1, now - lastProgress.seconds < 0.1 {
      return false
    }
    lastProgress = (progress.task, now)
    return true
  }
}

// MARK: For people

extension Teller {
  private func draw(_ event: Event) {
    switch event {
    case .progress(let progress): bar.show(progress.fraction, words(of: progress))
    case .reading(let report):
      let rate = report.picturesPerSecond
      bar.show(
        report.fraction,
        [
          rate > 0 ? "\(spoken(rate)) pictures/s" : nil,
          report.secondsLeft > 0 ? "\(spoken(seconds: report.secondsLeft)) left" : nil,
          "\(grouped(report.picturesSeen)) seen",
        ].compactMap { $0 } + report.figures.map { "\($0.name) \(spoken($0.value))" })
    case .finished(let result):
      bar.close()
      for line in lines(of: result) { draw(line) }
    case .sample(let path, _): lastSheet = path
    case .estimate(let told): estimate = told
    case .saved, .failed: break
    case .copy(let copy):
      bar.interrupt()
      Console.complain(
        "Seed \(copy.seed) is very like \(copy.of), which the generator learned from: leave it out, or ask whose it is."
      )
    case .made(let file):
      files.append(file)
      if let words = words(of: file) { line(words) }
    case .packed(let packed, let leftOut):
      bar.close()
      for file in packed.setAside.prefix(5) { line("Left out: \(file.name) \(file.reason).") }
      if leftOut > 5 { line("Left out: \(grouped(leftOut - 5)) more files.") }
    default: if let words = words(of: event) { line(words) }
    }
  }

  private func draw(_ line: Line) {
    switch line {
    case .words(let words): console.line(words)
    case .picture(let path): show(path, on: console)
    }
  }

  /// What stands beside a bar, the most important first.
  private func words(of progress: Event.Progress) -> [String] {
    let one = progress.task.one
    var words: [String] = []
    // Of what takes minutes a part, the time left says more.
    if let rate = progress.rate, rate >= 0.1, progress.figures?.contains(where: { $0.name.hasSuffix("/s") }) != true {
      words.append("\(spoken(rate)) \(one)s/s")
    }
    for figure in progress.figures ?? [] where figure.name.hasSuffix("/s") {
      words.append("\(spoken(figure.value)) \(figure.name)")
    }
    if let left = progress.secondsLeft, progress.fraction < 1 { words.append("\(spoken(seconds: left)) left") }
    if progress.task == .packing {
      words.append("reading pictures")
      words.append("\(grouped(progress.done)) of \(grouped(progress.total))")
    } else if progress.total > 1 {
      // The one that is worked on, where a part of it is done.
      let isWhole = progress.fraction * Double(progress.total) <= Double(progress.done) + 1e-6
      let number = progress.task == .steps || isWhole ? progress.done : min(progress.total, progress.done + 1)
      words.append("\(one) \(grouped(number)) of \(grouped(progress.total))")
    }
    if let item = progress.item { words.append(item) }
    for figure in progress.figures ?? [] where !figure.name.hasSuffix("/s") {
      words.append("\(figure.name) \(spoken(figure.value))")
    }
    return words
  }

  private func words(of file: MadeFile) -> String? {
    guard file.kind == .picture || file.kind == .film, let seconds = file.seconds else { return nil }
    if let pixels = file.pixels {
      return "\(file.path): \(counted(pixels, "pixel")) filled in \(spoken(seconds: seconds))"
    }
    let frames = file.frames.map { "\(counted($0, "frame")), " } ?? ""
    return "\(file.path): \(frames)\(file.width ?? 0) × \(file.height ?? 0) px in \(spoken(seconds: seconds))"
  }

  /// A line about what needs one.
  private func words(of event: Event) -> String? {
    switch event {
    case .note(let words): return words
    case .leftOut(let file): return "Left out: \(file.name) \(file.reason)."
    case .projected(let one):
      let tuned = one.tunedDistance.map { ", tuned \(spoken($0))" } ?? ""
      return "\(one.picture): distance \(spoken(one.distance)) by its styles\(tuned)"
    case .slider(let name, _, let layers):
      return name + (layers.map { " (layers \($0[0]) to \($0[1]))" } ?? "")
    case .model(let model):
      let size = spoken(bytes: model.bytes)
      let first = "\(model.name)  \(model.state.rawValue), \(model.architecture), \(size), licence \(model.licence)"
      return model.use.isEmpty ? first : "\(first)\n  \(model.use)"
    case .recipe(let recipe): return recipe.isAlone ? recipe.whole : recipe.brief
    case .chosen(_, _, let words): return words
    case .started(let run, _, let pictures, let seen):
      let start =
        seen > 0 ? "Going on after \(counted(seen, "picture"))" : "Training on \(counted(pictures, "picture"))"
      let room = seen == 0 ? estimate?.bytes.map { " (at most \(spoken(bytes: $0)))" } : nil
      return "\(start), in \(run)\(room ?? "")"
    case .rolledBack(let reason, let seen):
      return
        "Training diverged (\(reason)): back to the checkpoint of \(counted(seen, "picture")), with half the learning rate."
    case .measured(let look, let isBest):
      return "KID × 1000 \(spoken(look.kid)) ± \(spoken(look.error)) after \(counted(look.picturesSeen, "picture"))"
        + (isBest ? ", the best so far" : "")
    case .trouble(let trouble): return "Trouble: \(trouble.words)"
    default: return nil
    }
  }

  /// What is told at the end needs what was told before.
  private func lines(of result: Event.Result) -> [Line] {
    switch result {
    case .train(let trained): trainedLines(trained)
    case .generate(let made):
      [.words("\(made.isStopped ? "Stopped after " : "")\(counted(made.pictures, "picture")) in \(made.out)")]
        + made.sheets.flatMap { [.picture($0), .words($0)] }
    case .enlarge(let made), .vary(let made), .texture(let made), .fill(let made):
      (files.count == 1 && files[0].kind == .picture ? [.picture(files[0].path)] : [])
        + (made.isStopped
          ? [.words("Stopped after \(counted(made.pictures, files.first?.kind == .film ? "film" : "picture")).")] : [])
    default: result.lines
    }
  }

  /// - Parameter saysNext: whether to end with what to type next.
  func trainedLines(_ trained: Trained, saysNext: Bool = true) -> [Line] {
    let seen = "\(counted(trained.picturesSeen, "picture")) seen in \(spoken(seconds: trained.seconds))"
    var lines: [Line] = lastSheet.map { [.picture($0)] } ?? []
    lines.append(.words(lastSheet.map { "\(seen); samples are in \($0)" } ?? seen))
    if trained.ending == .completed, let estimate, trained.seconds > 60 {
      let words = estimate.compared(
        seconds: trained.seconds, picturesSeen: trained.picturesSeen, bytes: trained.bytes)
      lines.append(.words(words.prefix(1).uppercased() + words.dropFirst()))
    }
    if let best = trained.bestPicturesSeen {
      lines.append(.words("`generate` takes the best checkpoint, after \(counted(best, "picture"))."))
    }
    guard saysNext else { return lines }
    switch trained.ending {
    case .completed: lines.append(.words("Next: ./\(trained.next)"))
    case .stopped: lines.append(.words("Saved. Go on with: ./\(trained.next)"))
    }
    return lines
  }

  /// The end of a training that is a part of a verb.
  func endPart(_ trained: Trained) {
    bar.close()
    guard !console.json else { return }
    for line in trainedLines(trained, saysNext: false) { draw(line) }
  }
}

extension Event.Work {
  /// One of what it counts.
  fileprivate var one: String { self == .packing ? "file" : String(rawValue.dropLast()) }
}
