import Foundation
import Media
import Models
import Torch
import Training

/// What a film shows at one time.
struct FilmMoment {
  /// Of the path, in seconds.
  var place: Double
  /// 0...1, of latents.
  var truncation = 1.0
  /// What is added to the styles, [layers, D]; nil where no slider is moved.
  var moves: Tensor?
  /// Of the camera, as `Camera.view` takes them.
  var zoom = 1.0, x = 0.0, y = 0.0, turn = 0.0

  /// How the camera moves from an earlier moment to this one, as a view of what it saw then.
  ///
  /// A view takes its pixel p from A p, with A p = R(turn) p / zoom + (x, y); so this is the earlier one's inverse times this one's A.
  ///
  /// - Parameter ratio: of the picture's height to its width.
  func since(_ earlier: FilmMoment, ratio: Double) -> FilmMoment {
    var move = FilmMoment(place: place)
    move.zoom = zoom / earlier.zoom
    move.turn = turn - earlier.turn
    let angle = -earlier.turn * .pi / 180
    // In parts of the width.
    let (dx, dy) = (x - earlier.x, (y - earlier.y) * ratio)
    move.x = (cos(angle) * dx + sin(angle) * dy) * earlier.zoom
    move.y = (-sin(angle) * dx + cos(angle) * dy) * earlier.zoom / ratio
    return move
  }
}

/// Draws moments: each is the same picture whichever others are drawn with it.
struct FilmPainter {
  let path: LatentPath
  /// Those of the path's keys, whose classes its pictures have; of a path without keys its own.
  let seeds: [UInt64]
  /// Of the motion of a model that moves by itself, and the seconds after which it is where it began.
  let seed: UInt64
  let period: Double?
  let model: any PictureModel
  let generator: Generator
  let camera: Camera

  /// As the generator makes them, [C, H, W] each.
  ///
  /// - Parameter moments: all with moved sliders, or none.
  func made(_ moments: [FilmMoment]) -> [Tensor] {
    if path.shape == .fade {
      return moments.map { moment in
        let (from, to, t) = path.segment(at: moment.place)
        let ends = Tensor.stacked([path.keys[from].latent, path.keys[to].latent])
        let pictures = decoded(ends, [moment, moment], between: [from, to].map { (seeds[$0], seeds[$0], 0) })
        return pictures[0] * (1 - t) + pictures[1] * t
      }
    }
    guard moments.allSatisfy({ $0.truncation == 1 }) else { return moments.flatMap { decoded([$0]).unbound() } }
    return decoded(moments).unbound()
  }

  /// A picture, enlarged or not, by the camera.
  func seen(_ picture: Tensor, _ moment: FilmMoment) -> Picture {
    Picture(camera.view(picture, zoom: moment.zoom, x: moment.x, y: moment.y, turn: moment.turn))
  }

  private func decoded(_ moments: [FilmMoment]) -> Tensor {
    decoded(path.latents(at: moments.map(\.place)), moments, between: moments.map { between($0.place) })
  }

  /// The seeds between which a place of the path is, and how far on: its picture's class is as far between theirs.
  private func between(_ place: Double) -> (from: UInt64, to: UInt64, part: Double) {
    guard seeds.count > 1 else { return (seeds[0], seeds[0], 0) }
    let (from, to, part) = path.segment(at: place)
    return (seeds[from], seeds[to], part)
  }

  /// - Parameter moments: of one truncation.
  private func decoded(
    _ latents: Tensor, _ moments: [FilmMoment], between: [(from: UInt64, to: UInt64, part: Double)]
  ) -> Tensor {
    var request = generator.request(latents: latents)
    (request.truncation, request.between) = (moments[0].truncation, between)
    let moves = moments.compactMap(\.moves)
    if !moves.isEmpty, let style = model as? any StyleModel {
      return style.pictures(request, moved: Tensor.stacked(moves))
    }
    if model.offers.moves {
      // A model that moves by itself does so at that time of its motion.
      request.motion = Motion(times: moments.map(\.place), seed: seed, period: period)
    }
    return model.pictures(request)
  }
}
