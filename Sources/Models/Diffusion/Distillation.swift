import Foundation
import Networks
import Torch

/// Teaches a network to do in 1, 2 or 4 steps what another does in many (multistep consistency distillation: Song et al.
/// 2023; Heek et al. 2024, algorithm 1, with Heun's method as the teacher's step).
///
/// The noise levels are cut into so many segments. From anywhere in one, the student's straight step to the segment's end
/// must land where it lands from the place that the teacher's step leads to; at the end itself, where it is.
public struct Distillation {
  /// Steps that a student can take; it is told how many.
  public static let counts = [1, 2, 4]
  /// Where segments meet: four, every second one for two. Little is decided in high noise, so the first is long.
  private static let bounds = [NoiseLevels.highest, 5, 1.2, 0.35, 0]
  /// Teacher's steps in the whole of the way.
  private static let fine = 32

  /// The levels of `count` steps: `count` + 1 numbers.
  static func levels(_ count: Int) -> [Double] {
    stride(from: 0, to: bounds.count, by: 4 / count).map { bounds[$0] }
  }

  /// For each count, each segment's own levels.
  private static let segments: [Int: [[Double]]] = Dictionary(
    uniqueKeysWithValues: counts.map { count in
      let levels = levels(count)
      let inside = zip(levels, levels.dropFirst()).map { high, low -> [Double] in
        let steps = fine / count
        if low == 0 { return NoiseLevels.polynomial(steps: steps, from: high) }
        return NoiseLevels.polynomial(steps: steps + 1, from: high, to: low).dropLast()
      }
      return (count, inside)
    })

  /// Levels of one example each: where it is, where the teacher leads, and the segment's end.
  struct Places {
    let here: Tensor, next: Tensor, end: Tensor

    /// - Parameter rows: [N, 3].
    init(_ rows: Tensor) {
      let columns = rows.unsqueezed(-1).unsqueezed(-1).unsqueezed(-1).unbound(dim: 1)
      (here, next, end) = (columns[0], columns[1], columns[2])
    }

    /// - Parameter count: of the student's steps.
    init(_ n: Int, count: Int, noise: inout Noise, on device: Device) {
      let segments = Distillation.segments[count]!
      let numbers = noise.integers(below: Distillation.fine, count: n)
      let rows = numbers.flatMap { number in
        let levels = segments[number % count], k = number / count
        return [levels[k], levels[k + 1], levels.last!].map(Float.init)
      }
      self.init(Tensor(rows, shape: [n, 3]).to(device))
    }
  }

  /// The student's target: clean pictures that lead straight from x to where the student leads from the teacher's place.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W] with noise of `places.here`.
  ///   - teacher, student: estimates of clean pictures, given noise levels [N, 1, 1, 1].
  static func target(
    _ x: Tensor, _ places: Places, teacher: (Tensor, Tensor) -> Tensor, student: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    let (here, next, end) = (places.here, places.next, places.end)
    // Where a level is 0 nothing is evaluated there; any level will do.
    let (safeNext, isLast) = (clamp(next, min: NoiseLevels.lowest), next.lessOrEqual(to: end + 1e-6))
    let slope = (x - teacher(x, here)) / here
    let euler = x + slope * (next - here)
    let slopeThere = (euler - teacher(euler, safeNext)) / safeNext
    let heun = x + (slope + slopeThere) * ((next - here) * 0.5)
    let moved = whereTrue(next.greater(than: 0.0), heun, euler)
    let estimate = student(moved, safeNext)
    let led = estimate + (moved - estimate) * (end / safeNext)
    let ended = whereTrue(isLast, moved, led)
    let share = end / here
    return (ended - x * share) / (1 - share)
  }
}
