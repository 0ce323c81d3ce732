import Workshop

/// How far a film is, with rate and time left.
struct FrameBar {
  private let console: Console
  private var bar: Bar

  init(_ console: Console) { (self.console, bar) = (console, Bar(console, interval: 5)) }

  mutating func show(_ progress: FilmProgress) {
    console.event(
      "frame",
      [
        "frame": progress.frame, "of": progress.of, "framesPerSecond": progress.rate,
        "secondsLeft": progress.secondsLeft,
      ])
    bar.show(
      Double(progress.frame) / Double(progress.of),
      [
        "\(spoken(progress.rate)) frames/s", "\(spoken(seconds: progress.secondsLeft)) left",
        "frame \(progress.frame) of \(progress.of)",
      ])
  }

  mutating func interrupt() { bar.interrupt() }
  mutating func close() { bar.close() }
}

/// Makes a film, with a bar and what there is to say; nil when it was stopped, which is said then.
func following<Made: MadeFilm>(
  _ console: Console, _ make: (_ say: (String) -> Void, _ report: (FilmProgress) -> Void) throws -> Made
) throws -> Made? {
  Interruption.watch()
  var bar = FrameBar(console)
  let made = try make(
    { words in
      bar.interrupt()
      console.event("note", ["text": words])
      console.line(words)
    }, { bar.show($0) })
  bar.close()
  console.event("finished", encoding: made)
  guard made.isStopped else { return made }
  console.line("Stopped after \(counted(made.frames, "frame")). Go on with --resume.")
  Interruption.leaveIfRequested()
  return nil
}
