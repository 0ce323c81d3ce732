import ArgumentParser
import Foundation
import Workshop

extension RestyleCommand {
  /// `restyle --with`: by what a run has learned.
  func change(with model: String) throws {
    guard style.isEmpty && weights == nil else {
      throw ValidationError("Give --style or --with, not both: what was learned has its style.")
    }
    guard mask.count <= 1 else {
      throw ValidationError("Give one --mask with --with: white where the picture changes.")
    }
    guard !resume && !quick && steps == nil && smoothness == nil else {
      throw ValidationError("--with takes one step: leave out --resume, --quick, --steps and --smoothness.")
    }
    var request = LearnedRequest(content: content, model: model, out: out)
    (request.back, request.size, request.strength) = (back, size, strength)
    (request.colours, request.mask, request.memory, request.force) = (colours, mask.first, memory, force)
    let console = common.console
    var bar = Bar(console, interval: 5)
    let result = try restyle(
      request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
      say: { words in
        console.event("note", ["text": words])
        console.line(words)
      },
      report: { fraction in
        console.event("progress", ["fraction": fraction])
        // Only tiles can be stopped between.
        guard fraction < 1 else { return }
        Interruption.watch()
        bar.show(fraction, [])
      })
    bar.close()
    console.event("finished", encoding: result)
    guard !result.isStopped else {
      console.line("Stopped: nothing was written.")
      return Interruption.leaveIfRequested()
    }
    console.line(
      "\(result.path): \(result.width) × \(result.height) px in \(spoken(seconds: result.seconds))")
    show(result.path, on: console)
  }
}
