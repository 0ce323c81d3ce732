import Foundation
import Testing
import Training

@testable import Workshop

@Suite struct EventTests {
  private func again(_ event: Event) throws -> Event { try Event(json: event.json) }

  @Test func aLineIsOneFlatObject() throws {
    var file = MadeFile(.picture, "out/a.png", seed: .max, width: 8, height: 6)
    file.seconds = 0.1
    let event = Event.made(file)
    #expect(
      event.json
        == #"{"event":"picture","height":6,"path":"out/a.png","seconds":0.1,"seed":18446744073709551615,"width":8}"#)
    #expect(try again(event) == event)
    let trained = Trained(
      ending: .stopped, run: "runs/a", picturesSeen: 8, seconds: 2, secondsAside: 0.5, bytes: 9, bestPicturesSeen: nil,
      next: "atelier train")
    let finished = Event.finished(.train(trained))
    #expect(
      finished.json.contains(#""ending":"stopped","event":"finished""#) && finished.json.contains(#""verb":"train""#))
    #expect(try again(finished) == finished)
    if case .finished(let result) = finished { #expect(result.isStopped) }
  }

  /// Text that says null, or has a quote in it, is text.
  @Test func whatIsNoNumberIsNull() throws {
    let words = #"null "null": \ null, \"null"#
    var progress = Pace.begun.progressed(rate: -.infinity)
    progress.figures = [Figure("loss", .nan), Figure(words, 1)]
    let event = Event.progress(progress)
    #expect(event.json.contains(#""value":null"#) && event.json.contains(#""rate":null"#))
    let read = try again(event)
    guard case .progress(let same) = read else { throw Problem(words: read.json) }
    #expect(same.rate?.isNaN == true && same.figures?[0].value.isNaN == true && same.figures?[1].name == words)
    #expect(read.json == event.json)
    #expect(try again(.note(words)) == .note(words))
    // What may be absent is not the same as what is no number.
    let (absent, none) = (
      Event.progress(Pace.begun.progressed(rate: nil)), Event.progress(Pace.begun.progressed(rate: .nan))
    )
    #expect(!absent.json.contains("rate") && none.json.contains(#""rate":null"#))
    #expect(try again(absent).json == absent.json && again(none).json == none.json)
  }

  @Test(arguments: ["", "{}", "[1]", #"{"event":"nothing"}"#, #"{"event":"finished","verb":"measure"}"#])
  func whatIsNoEventIsRefused(_ line: String) {
    #expect(throws: DecodingError.self) { try Event(json: line) }
  }

  @Test func rateAndTimeLeft() {
    var pace = Pace(.frames, from: 10, now: 100)
    // What was done before tells nothing about the speed.
    let none = pace.progress(10, of: 50, now: 101)
    #expect(none.rate == nil && none.secondsLeft == nil && none.fraction == 0.2)
    let some = pace.progress(20, of: 50, now: 105)
    #expect(some.rate == 2 && abs(some.secondsLeft! - 15) < 1e-9 && some.fraction == 0.4)
    let all = pace.progress(50, of: 50, now: 120)
    #expect(all.rate == 2 && all.secondsLeft == 0 && all.fraction == 1)
    // Other work of the same kind counts anew.
    let anew = pace.progress(5, of: 10, now: 130)
    #expect(anew.rate == nil && anew.secondsLeft == nil)
    #expect(pace.progress(10, of: 10, now: 135).rate == 1)
    // Parts that take differently long: the fraction says how long the rest takes.
    var steps = Pace(.steps, from: 2, fraction: 0.1, now: 0)
    let step = steps.progress(6, of: 10, 0.3, now: 4)
    #expect(step.rate == 1 && abs(step.secondsLeft! - 14) < 1e-9)
    // At once.
    #expect(Pace.begun.progressed(rate: nil).secondsLeft == nil)
  }
}

private struct Problem: Error { let words: String }

extension Pace {
  fileprivate static var begun: Pace { Pace(.pictures, from: 0, now: 0) }

  fileprivate func progressed(rate: Double?) -> Event.Progress {
    var copy = self
    var progress = copy.progress(1, of: 4, now: 0)
    progress.rate = rate
    return progress
  }
}
