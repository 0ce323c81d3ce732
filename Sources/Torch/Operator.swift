import CTorch

/// One value of an operator call.
public enum Argument {
  case none
  case tensor(Tensor)
  case int(Int)
  case double(Double)
  case bool(Bool)
  case ints([Int])
  case doubles([Double])
  case tensors([Tensor])
  case optionalTensors([Tensor?])
  case string(StaticString)
  case device(Device)
  case generator(NoiseSource)

  /// A dtype, as the dispatcher takes it.
  public static func dtype(_ type: DType) -> Argument { .int(Int(type.rawValue)) }
  public static func optional(_ tensor: Tensor?) -> Argument { tensor.map(Argument.tensor) ?? .none }
  public static func optional(_ value: Double?) -> Argument { value.map(Argument.double) ?? .none }
}

extension Argument: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral
{
  public init(integerLiteral v: Int) { self = .int(v) }
  public init(floatLiteral v: Double) { self = .double(v) }
  public init(booleanLiteral v: Bool) { self = .bool(v) }
  public init(nilLiteral: ()) { self = .none }
  public init(arrayLiteral v: Int...) { self = .ints(v) }
}

/// An operator of LibTorch's dispatcher, resolved once.
///
/// Arguments that are left out take the schema's defaults.
public struct Operator: @unchecked Sendable {
  let handle: ct_op
  let name: String

  /// - Parameters:
  ///   - name: with its namespace left out when that is `aten`, for example "conv2d".
  ///   - overload: for example "Scalar".
  public init(_ name: String, _ overload: String = "", file: StaticString = #fileID, line: UInt = #line) {
    var out: ct_op?
    check(ct_op_find(name.contains("::") ? name : "aten::" + name, overload, &out), name, file: file, line: line)
    (handle, self.name) = (out!, overload.isEmpty ? name : name + "." + overload)
  }

  /// Calls an operator that returns one tensor.
  @discardableResult
  public func callAsFunction(_ arguments: Argument..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    var found: (result: ct_tensor?, count: Int) = (nil, 0)
    withUnsafeMutablePointer(to: &found) {
      invoke(arguments, $0, file, line) { context, result in
        let found = context!.assumingMemoryBound(to: (result: ct_tensor?, count: Int).self)
        found.pointee = (result, found.pointee.count + 1)
      }
    }
    guard found.count == 1, let handle = found.result else {
      fatalError("\(name) returned no tensor", file: file, line: line)
    }
    return Tensor(owning: handle)
  }

  /// Calls an operator that returns several tensors, or a list of them, however many.
  public func list(_ arguments: Argument..., file: StaticString = #fileID, line: UInt = #line) -> [Tensor] {
    var results: [Tensor] = []
    withUnsafeMutablePointer(to: &results) {
      invoke(arguments, $0, file, line) { context, result in
        context!.assumingMemoryBound(to: [Tensor].self).pointee.append(Tensor(owning: result!))
      }
    }
    return results
  }

  /// Calls an operator for its effect, for example one that updates a list of tensors in place.
  public func run(_ arguments: Argument..., file: StaticString = #fileID, line: UInt = #line) {
    invoke(arguments, nil, file, line) { _, result in if let result { ct_release(result) } }
  }

  private func invoke(
    _ arguments: [Argument], _ context: UnsafeMutableRawPointer?, _ file: StaticString, _ line: UInt,
    _ take: @convention(c) (UnsafeMutableRawPointer?, ct_tensor?) -> Void
  ) {
    let (integers, doubles, handles) = arguments.reduce(into: (0, 0, 0)) { total, argument in
      switch argument {
      case .ints(let v): total.0 += v.count
      case .doubles(let v): total.1 += v.count
      case .tensors(let v): total.2 += v.count
      case .optionalTensors(let v): total.2 += v.count
      default: break
      }
    }
    withUnsafeTemporaryAllocation(of: ct_value.self, capacity: max(1, arguments.count)) { values in
      withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(1, integers)) { integers in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, doubles)) { doubles in
          withUnsafeTemporaryAllocation(of: ct_tensor?.self, capacity: max(1, handles)) { handles in
            var room = Room(
              integers: integers.baseAddress!, doubles: doubles.baseAddress!, handles: handles.baseAddress!)
            for (i, argument) in arguments.enumerated() { values[i] = room.value(of: argument) }
            // The arguments own their tensors: a temporary that is released early crashes the call.
            let failed = withExtendedLifetime(arguments) {
              ct_op_call(handle, values.baseAddress, arguments.count, take, context)
            }
            if failed != 0 { explain(arguments, file, line) }
          }
        }
      }
    }
  }

  private func explain(_ arguments: [Argument], _ file: StaticString, _ line: UInt) -> Never {
    let given = arguments.map { argument in
      switch argument {
      case .tensor(let t): "\(t.dtype) \(t.shape)"
      case .tensors(let list): "\(list.count) tensors"
      default: "\(argument)"
      }
    }
    let reason = String(cString: ct_error())
    Memory.lookForExhaustion(reason)
    fatalError("\(name)(\(given.joined(separator: ", "))): \(reason)", file: file, line: line)
  }
}

/// Memory for the lists of one call.
private struct Room {
  var integers: UnsafeMutablePointer<Int64>
  var doubles: UnsafeMutablePointer<Double>
  var handles: UnsafeMutablePointer<ct_tensor?>

  mutating func value(of argument: Argument) -> ct_value {
    switch argument {
    case .none: return ct_value(kind: CT_NONE, count: 0, as: .init(i: 0))
    case .tensor(let t): return ct_value(kind: CT_TENSOR, count: 0, as: .init(tensor: t.handle))
    case .int(let v): return ct_value(kind: CT_INT, count: 0, as: .init(i: Int64(v)))
    case .double(let v): return ct_value(kind: CT_DOUBLE, count: 0, as: .init(d: v))
    case .bool(let v): return ct_value(kind: CT_BOOL, count: 0, as: .init(i: v ? 1 : 0))
    case .device(let d): return ct_value(kind: CT_DEVICE, count: 0, as: .init(device: d.c))
    case .generator(let g): return ct_value(kind: CT_GENERATOR, count: 0, as: .init(generator: g.handle))
    case .string(let s):
      let bytes = UnsafeRawPointer(s.utf8Start).assumingMemoryBound(to: CChar.self)
      return ct_value(kind: CT_STRING, count: 0, as: .init(string: bytes))
    case .ints(let v):
      let start = integers
      for x in v { integers.initialize(to: Int64(x)); integers += 1 }
      return ct_value(kind: CT_INTS, count: Int64(v.count), as: .init(ints: start))
    case .doubles(let v):
      let start = doubles
      for x in v { doubles.initialize(to: x); doubles += 1 }
      return ct_value(kind: CT_DOUBLES, count: Int64(v.count), as: .init(doubles: start))
    case .tensors(let v): return list(v)
    case .optionalTensors(let v): return list(v)
    }
  }

  private mutating func list(_ tensors: [Tensor?]) -> ct_value {
    let start = handles
    for t in tensors { handles.initialize(to: t?.handle); handles += 1 }
    return ct_value(kind: CT_TENSORS, count: Int64(tensors.count), as: .init(tensors: start))
  }
}

/// Traps with LibTorch's reason when a call failed: the mistake is the programmer's.
@inline(__always)
func check(_ failed: Int32, _ what: String = "", file: StaticString = #fileID, line: UInt = #line) {
  guard failed != 0 else { return }
  let reason = String(cString: ct_error())
  Memory.lookForExhaustion(reason)
  fatalError("\(what): \(reason)", file: file, line: line)
}
