/// Every address of the studio.
enum Routes {
  static let all: [Route] = doors + pages + jobs + commands + sets + pictures + things + live + projects + mends + crops
}
