import Foundation
import Torch

/// What steps take at several parts of a run, measured before it: schedules make some of them dearer than others.
public struct Trial: Sendable, Equatable {
  /// Seconds a picture at the middle of each of as many equal parts of the run.
  let secondsAPicture: [Double]

  /// Seconds that seeing so many pictures takes.
  public func seconds(for pictures: Int) -> Double {
    Double(pictures) * secondsAPicture.reduce(0, +) / Double(secondsAPicture.count)
  }

  /// Pictures that are seen in so many seconds.
  public func pictures(in seconds: Double) -> Int {
    Int(seconds * secondsAPicture.reduce(0) { $0 + 1 / max($1, 1e-9) } / Double(secondsAPicture.count))
  }
}

extension Loop {
  /// Trains a little at several parts of the run, to see what it takes: a hundredth of its time at most, and five seconds.
  ///
  /// The recipe has learned something else afterwards: give this loop one of its own, and throw both away.
  ///
  /// - Parameter now: a clock, in seconds.
  /// - Returns: nil where the run is so short that it is over before it is measured.
  public func trial(by now: () -> Double = { ProcessInfo.processInfo.systemUptime }) -> Trial? {
    let batch = recipe.settings.batch
    switch plan.length {
    case .pictures(let total) where total < 50 * batch: return nil
    case .minutes(let minutes) where minutes < 1: return nil
    default: break
    }
    Memory.keepFreed()
    var steps = 0
    func seconds(of count: Int, at fraction: Double, of total: Int) -> Double {
      let start = now()
      for _ in 0..<count {
        let progress = Progress(
          picturesSeen: steps == 0 ? 0 : max(Int(fraction * Double(total)) / batch + steps, 1) * batch,
          fraction: fraction, totalPictures: total)
        facts.picturesSeen = progress.picturesSeen
        let readings = step(at: progress)
        // A device may still be working.
        for reading in readings { _ = reading.value }
        steps += 1
      }
      return now() - start
    }
    // The first step also makes what later ones find there.
    let guess = 1000 * batch
    _ = seconds(of: 1, at: 0, of: guess)
    let once = max(seconds(of: 1, at: 0.5, of: guess), 1e-6)
    let whole: Double, total: Int
    switch plan.length {
    case .pictures(let pictures): (whole, total) = (Double(pictures / batch) * once, pictures)
    case .minutes(let minutes): (whole, total) = (minutes * 60, Int(minutes * 60 / once) * batch)
    }
    let budget = min(5, whole / 100)
    let parts = max(1, min(8, Int(budget / (2 * once))))
    // With eight steps a part, a penalty of every eighth step counts once.
    let each = max(1, min(8, Int(budget / once) / parts - 1))
    return Trial(
      secondsAPicture: (0..<parts).map { part in
        let fraction = (Double(part) + 0.5) / Double(parts)
        // Another size of pictures takes memory of its own at first.
        if each > 1 { _ = seconds(of: 1, at: fraction, of: total) }
        return seconds(of: each, at: fraction, of: total) / Double(each * batch)
      })
  }
}
