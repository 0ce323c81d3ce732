import Foundation
import Networks
import Torch

/// Things that move before a ground that moves, made of still pictures: what is between is known exactly, and so is where
/// everything goes (after Dosovitskiy et al. 2015, "FlowNet", section 4.1, with smooth deformations and any moment).
struct InventedMotion {
  /// The farthest that a thing goes from the first picture to the second, as a part of the side.
  var farthest = 0.16
  /// Things before the ground.
  var things = 2

  /// Two pictures with a moment between them.
  struct Example {
    /// [N, 3, side, side] in 0...1.
    let first: Tensor, between: Tensor, second: Tensor
    /// From the moment to the first and to the second: [N, 4, side, side] in pixels.
    let flows: Tensor
  }

  /// - Parameters:
  ///   - pictures: [N, 3, S, S] in 0...1; each ground is one, its things are cut out of others.
  ///   - times: of the moments, in 0...1: [N, 1, 1, 1].
  ///   - side: of what is made, in pixels; at most S.
  func callAsFunction(_ pictures: Tensor, at times: Tensor, side: Int, noise: inout Noise) -> Example {
    let (n, device) = (pictures.size(0), pictures.device)
    let ground = motion(n, side, &noise, device)
    var layers = [Layer(texture: framed(pictures, side, &noise), cover: nil, motion: ground)]
    for i in 0..<things {
      let others = pictures.indexSelected(dim: 0, indices: Tensor((0..<n).map { ($0 + i + 1) % n }).to(device))
      layers.append(
        Layer(
          texture: framed(others, side, &noise), cover: cover(n, side, &noise, device),
          motion: ground + motion(n, side, &noise, device)))
    }
    let light = noise.normal([n, 1, 1, 1], on: device) * 0.03
    let grain = noise.uniform([n, 1, 1, 1], to: 0.01, on: device)
    func shown(at moment: Tensor, isGrainy: Bool = true) -> Tensor {
      let ago = moment - times
      var picture: Tensor?
      for layer in layers {
        let flow = layer.motion * ago
        let own = warped(layer.texture, by: flow, mode: .bicubic)
        guard let below = picture, let cover = layer.cover else {
          picture = own
          continue
        }
        picture = below + (own - below) * warped(cover, by: flow)
      }
      let lit = picture! * (light * (moment - 0.5) + 1)
      return clamp(isGrainy ? lit + noise.normal(lit.shape, on: device) * grain : lit, min: 0, max: 1)
    }
    let zero = times * 0
    return Example(
      first: shown(at: zero), between: shown(at: times, isGrainy: false), second: shown(at: zero + 1),
      flows: Tensor.concatenated([flows(layers, over: zero - times), flows(layers, over: 1 - times)], dim: 1))
  }

  /// A picture s after the moment shows at x what the moment shows at x + s · motion(x).
  private struct Layer {
    let texture: Tensor
    let cover: Tensor?  // nil covers everything.
    let motion: Tensor
  }

  /// From the moment to one that is `after` later, of what is in front: [N, 2, side, side].
  private func flows(_ layers: [Layer], over after: Tensor) -> Tensor {
    var all: Tensor?
    for layer in layers {
      // The inverse of x + after · motion(x), by its fixed point.
      var flow = layer.motion * after * -1
      for _ in 0..<4 { flow = warped(layer.motion, by: flow) * after * -1 }
      guard let below = all, let cover = layer.cover else {
        all = flow
        continue
      }
      all = whereTrue(cover.greater(than: 0.5), flow, below)
    }
    return all!
  }

  /// A part of each picture, turned and stretched a little: [N, 3, side, side].
  private func framed(_ pictures: Tensor, _ side: Int, _ noise: inout Noise) -> Tensor {
    let (n, whole, device) = (pictures.size(0), Double(pictures.size(2)), pictures.device)
    func draw(_ low: Double, _ high: Double) -> Tensor { noise.uniform([n], from: low, to: high, on: device) }
    // Of the pictures' pixels for each that is made.
    let scale = draw(0.6, max(0.7, whole / Double(side))) * (Double(side) / whole)
    let stretch = exp(draw(-0.15, 0.15)), angle = draw(-0.3, 0.3)
    let mirror = noise.bernoulli(0.5, [n], on: device).to(.float32) * 2 - 1
    let (x, y) = (scale * stretch, scale / stretch)
    let rows = [
      cos(angle) * x * mirror, -sin(angle) * y, draw(-0.3, 0.3),
      sin(angle) * x * mirror, cos(angle) * y, draw(-0.3, 0.3),
    ]
    let theta = Tensor.stacked(rows, dim: 1).reshaped([n, 2, 3])
    let grid = affineGrid(theta, size: [n, 3, side, side])
    return gridSample(pictures, grid, padding: .reflection)
  }

  /// Where something goes until the second picture, in pixels: shift, turn, growth and a smooth bending: [N, 2, side, side].
  private func motion(_ n: Int, _ side: Int, _ noise: inout Noise, _ device: Device) -> Tensor {
    func draw(_ low: Double, _ high: Double) -> Tensor {
      noise.uniform([n, 1, 1, 1], from: low, to: high, on: device)
    }
    // Small motion is as frequent as large, and some things stay.
    let length = exp(draw(log(0.1), log(farthest * Double(side))))
    let direction = draw(-Double.pi, Double.pi), amount = draw(0, 1)
    let turn = noise.normal([n, 1, 1, 1], on: device) * amount * 0.08
    let growth = noise.normal([n, 1, 1, 1], on: device) * amount * 0.08
    let middle = Double(side - 1) / 2
    let line = Tensor.arange(side, dtype: .float32, on: device) - middle
    let (x, y) = (line.reshaped([1, 1, 1, side]), line.reshaped([1, 1, side, 1]))
    let across = x * growth - y * turn + length * cos(direction)
    let down = x * turn + y * growth + length * sin(direction)
    let shape = [n, 1, side, side]
    let rigid = Tensor.concatenated([across.expanded(shape), down.expanded(shape)], dim: 1)
    let bending = noise.normal([n, 2, 5, 5], on: device) * draw(0, 0.012) * amount
    return rigid + interpolate(bending, size: [side, side], mode: .bicubic) * Double(side)
  }

  /// A blob somewhere, 1 inside: [N, 1, side, side].
  private func cover(_ n: Int, _ side: Int, _ noise: inout Noise, _ device: Device) -> Tensor {
    func draw(_ low: Double, _ high: Double) -> Tensor {
      noise.uniform([n, 1, 1, 1], from: low, to: high, on: device)
    }
    let line = Tensor.linspace(from: -1, to: 1, count: side, on: device)
    let x = line.reshaped([1, 1, 1, side]) - draw(-0.8, 0.8), y = line.reshaped([1, 1, side, 1]) - draw(-0.8, 0.8)
    let radius = draw(0.15, 0.6), stretch = exp(draw(-0.7, 0.7))
    let distance = sqrt(square(x * stretch) + square(y / stretch)) / radius
    let wobble = interpolate(noise.normal([n, 1, 7, 7], on: device), size: [side, side], mode: .bicubic)
    // Edges are a pixel or two wide, as filmed ones are.
    let inside = 1 - distance + wobble * draw(0, 0.5)
    return sigmoid(inside * radius * (Double(side) * 0.8))
  }
}
