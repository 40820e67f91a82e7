#include "explain/faithfulness.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "explain/random.h"

namespace filbert {
namespace {

constexpr std::size_t kMaxCurveSteps = 64;  // of a measured curve
constexpr std::size_t kRandomOrders = 20;

using Order = std::vector<std::size_t>;  // players, the strongest first

// Sets that the game is to value, asked for in full batches.
class Questions {
 public:
  Questions(const Game& game, std::size_t output, const Budget& budget)
      : game_(game), output_(output), budget_(budget), asked_(game.num_players) {}

  // Its value goes to `answer`, which stays where it is, by the end of finish() at the latest. The first `count` of `order` are of the
  // value `first`, all others of the other one.
  void ask(double& answer, std::span<const std::size_t> order, std::size_t count, std::uint8_t first) {
    const auto row = asked_.add_row(std::uint8_t{first == 0});
    for (const std::size_t player : order.first(count)) row[player] = first;
    answers_.push_back(&answer);
    if (asked_.rows >= game_.batch_size) finish();
  }

  // False if the budget was over before all was answered; from then on nothing is.
  bool finish() {
    stopped_ = stopped_ || (asked_.rows > 0 && budget_.over());
    if (!stopped_ && asked_.rows > 0) {
      const std::vector<double> values = game_.values(asked_);
      for (std::size_t row = 0; row < asked_.rows; ++row) *answers_[row] = values[row * game_.num_outputs + output_];
    }
    asked_.clear();
    answers_.clear();
    return !stopped_;
  }

 private:
  const Game& game_;
  std::size_t output_;
  const Budget& budget_;
  Masks asked_;
  std::vector<double*> answers_;
  bool stopped_ = false;
};

// What is the same for every order.
struct Ends {
  double all = 0;   // every player stays
  double none = 0;
  std::vector<double> without;  // [num_players] each alone removed
};

// The sizes at which curves are measured, from 0 to all.
std::vector<std::size_t> sizes_of_curves(std::size_t num_players) {
  const std::size_t steps = std::min(num_players, kMaxCurveSteps);
  std::vector<std::size_t> sizes(steps + 1);
  for (std::size_t step = 1; step <= steps; ++step) sizes[step] = (step * num_players + steps / 2) / steps;
  return sizes;
}

// The sizes of ERASER's rationales, the strongest 10, 20, … 100 % rounded down and of them those with a value above 0; each size once.
std::vector<std::size_t> sizes_of_rationales(std::span<const double> values) {
  const auto positive = static_cast<std::size_t>(std::ranges::count_if(values, [](double value) { return value > 0; }));
  std::vector<std::size_t> sizes;
  for (int tenth = 0; tenth < 10; ++tenth) {
    const double share = 0.1 + tenth * 0.1;  // numpy.arange(0.1, 1.1, 0.1), to the last bit
    const std::size_t size = std::min(static_cast<std::size_t>(share * static_cast<double>(values.size())), positive);
    if (size > 0 && (sizes.empty() || sizes.back() != size)) sizes.push_back(size);
  }
  return sizes;
}

// What removing and adding in an order gives at some sizes, ascending.
struct Measured {
  std::vector<std::size_t> sizes;
  std::vector<double> deletion, insertion;  // [sizes]

  Measured(std::vector<std::size_t> which, const Order& order, const Ends& ends, Questions& questions) : sizes(std::move(which)) {
    deletion.resize(sizes.size());
    insertion.resize(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0 || sizes[i] == order.size()) {  // known, and equal for every order
        deletion[i] = sizes[i] == 0 ? ends.all : ends.none;
        insertion[i] = sizes[i] == 0 ? ends.none : ends.all;
      } else {
        questions.ask(deletion[i], order, sizes[i], 0);
        questions.ask(insertion[i], order, sizes[i], 1);
      }
    }
  }

  std::size_t place(std::size_t size) const { return static_cast<std::size_t>(std::ranges::lower_bound(sizes, size) - sizes.begin()); }
};

// The curve at every size, straight between those at `sizes`.
std::vector<double> filled_in(const std::vector<std::size_t>& sizes, const std::vector<double>& curve) {
  std::vector<double> full = {curve[0]};
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::size_t steps = sizes[i] - sizes[i - 1];
    for (std::size_t step = 1; step < steps; ++step) {
      full.push_back(std::lerp(curve[i - 1], curve[i], static_cast<double>(step) / static_cast<double>(steps)));
    }
    full.push_back(curve[i]);
  }
  return full;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Order strongest_first(const std::vector<double>& values) {
  Order order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t player) { return values[player]; });
  return order;
}

// The methods with every value a number.
std::vector<NamedValues> checked(std::vector<NamedValues> methods, std::size_t num_players) {
  for (NamedValues& method : methods) {
    if (method.values.size() != num_players) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("values of {}: expected one for each of {} units, found {}", method.method, num_players, method.values.size()));
    }
    for (double& value : method.values) value = std::isnan(value) ? 0 : value;
  }
  return methods;
}

Ends ends_of(std::size_t num_players, Questions& questions) {
  Ends ends;
  ends.without.resize(num_players);
  questions.ask(ends.all, {}, 0, 0);
  questions.ask(ends.none, {}, 0, 1);
  for (std::size_t player = 0; player < num_players; ++player) questions.ask(ends.without[player], std::span(&player, 1), 1, 0);
  questions.finish();
  return ends;
}

Faithfulness faithfulness_of_method(const NamedValues& method, const Ends& ends, Questions& questions) {
  const Order order = strongest_first(method.values);
  const std::vector<std::size_t> rationales = sizes_of_rationales(method.values);
  std::vector<std::size_t> sizes;  // a rationale is a point of the curves as well
  std::ranges::set_union(sizes_of_curves(order.size()), rationales, std::back_inserter(sizes));
  const Measured measured(std::move(sizes), order, ends, questions);
  questions.finish();

  Faithfulness answer;
  answer.method = method.method;
  answer.deletion = filled_in(measured.sizes, measured.deletion);
  answer.insertion = filled_in(measured.sizes, measured.insertion);
  answer.deletion_area = mean(answer.deletion);
  answer.insertion_area = mean(answer.insertion);
  answer.sufficiency = rationales.empty() ? 1 : 0;  // ferret's, where there is no rationale
  for (const std::size_t size : rationales) {
    answer.comprehensiveness += (ends.all - measured.deletion[measured.place(size)]) / static_cast<double>(rationales.size());
    answer.sufficiency += (ends.all - measured.insertion[measured.place(size)]) / static_cast<double>(rationales.size());
  }
  std::vector<double> occlusion(ends.without.size());
  for (std::size_t player = 0; player < occlusion.size(); ++player) occlusion[player] = ends.all - ends.without[player];
  answer.tau_occlusion = kendall_tau(occlusion, method.values);
  return answer;
}

// As numpy.percentile has it: straight between the two nearest.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  return std::lerp(values[below], values[std::min(below + 1, values.size() - 1)], place - static_cast<double>(below));
}

void add_random_band(std::uint32_t seed, std::size_t num_players, const Ends& ends, Questions& questions, FaithfulnessExplanation& answer) {
  RandomState random(seed);
  const std::vector<std::size_t> sizes = sizes_of_curves(num_players);
  std::deque<Measured> orders;  // which stay where they are
  for (std::size_t i = 0; i < kRandomOrders; ++i) orders.emplace_back(sizes, random.permutation(num_players), ends, questions);
  if (!questions.finish()) return;
  const auto percentile = [&](std::vector<double> Measured::*curve, double share) {
    std::vector<double> at(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::vector<double> values;
      for (const Measured& order : orders) values.push_back((order.*curve)[i]);
      at[i] = quantile(std::move(values), share);
    }
    return filled_in(sizes, at);
  };
  answer.random_deletion_low = percentile(&Measured::deletion, 0.05);
  answer.random_deletion_high = percentile(&Measured::deletion, 0.95);
  answer.random_insertion_low = percentile(&Measured::insertion, 0.05);
  answer.random_insertion_high = percentile(&Measured::insertion, 0.95);
}

}  // namespace

FaithfulnessExplanation faithfulness_of(const Game& game, std::size_t output, const std::vector<NamedValues>& methods, std::uint32_t seed,
                                        const Budget& budget) {
  const std::vector<NamedValues> judged = checked(methods, game.num_players);
  FaithfulnessExplanation answer;
  Questions questions(game, output, budget);
  const Ends ends = ends_of(game.num_players, questions);
  for (const NamedValues& method : judged) {
    Faithfulness measured = faithfulness_of_method(method, ends, questions);
    if (!questions.finish()) break;
    answer.methods.push_back(std::move(measured));
  }
  if (questions.finish()) add_random_band(seed, game.num_players, ends, questions, answer);
  answer.stopped = !questions.finish();
  for (std::size_t one = 0; one < answer.methods.size(); ++one) {
    for (std::size_t other = 0; other < answer.methods.size(); ++other) {
      answer.agreement.push_back(one == other ? 1 : kendall_tau(judged[one].values, judged[other].values));
    }
  }
  return answer;
}

double kendall_tau(std::span<const double> one, std::span<const double> other) {
  const auto sign = [](double value) { return (value > 0) - (value < 0); };
  double agree = 0;         // pairs in one order less pairs in opposite ones
  double ordered_one = 0;   // pairs that are not equal
  double ordered_other = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int first = sign(one[i] - one[j]);
      const int second = sign(other[i] - other[j]);
      agree += first * second;
      ordered_one += first != 0;
      ordered_other += second != 0;
    }
  }
  return ordered_one > 0 && ordered_other > 0 ? agree / std::sqrt(ordered_one * ordered_other) : 0;
}

}  // namespace filbert
