package io.deem.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One extent of a {@link Shape}: a polynomial with integer coefficients over named symbols, such as
 * {@code 4}, {@code batch} or {@code 2*batch*images + 1}. Kept in canonical form, so that two
 * extents are equal exactly when they agree for every value of their symbols.
 */
public final class Dim {

  /** Zero, as the empty sum. */
  private static final Dim ZERO = new Dim(new TreeMap<>(Dim::compareMonomials));

  /**
   * Coefficient of each monomial; a monomial is its sorted symbols, the empty list the constant.
   */
  private final TreeMap<List<String>, Long> terms;

  private Dim(TreeMap<List<String>, Long> terms) {
    this.terms = terms;
  }

  /**
   * A known extent.
   *
   * @param value at least 0
   */
  public static Dim of(long value) {
    if (value < 0) {
      throw new IllegalArgumentException("an extent cannot be negative: " + value);
    }
    return term(value, List.of());
  }

  /**
   * An extent known only when the block runs.
   *
   * @param name a Java identifier, unique among the block's symbols
   */
  public static Dim symbol(String name) {
    if (!name.matches("[A-Za-z][A-Za-z0-9]*")) {
      throw new IllegalArgumentException("not a symbol name: '" + name + "'");
    }
    return term(1, List.of(name));
  }

  /** Accepts what network code has at hand: a {@code Dim} or an integral number. */
  static Dim from(Object extent) {
    if (extent instanceof Dim dim) {
      return dim;
    }
    if (extent instanceof Integer || extent instanceof Long) {
      return of(((Number) extent).longValue());
    }
    throw new IllegalArgumentException("an extent is a Dim or an integer, not " + extent);
  }

  /** The sum of two extents. */
  public Dim plus(Dim other) {
    TreeMap<List<String>, Long> sum = new TreeMap<>(terms);
    other.terms.forEach((monomial, factor) -> accumulate(sum, monomial, factor));
    return sum.isEmpty() ? ZERO : new Dim(sum);
  }

  /** The sum of this extent and a number. */
  public Dim plus(long value) {
    return plus(term(value, List.of()));
  }

  /** The difference of two extents. */
  public Dim minus(Dim other) {
    return plus(other.times(term(-1, List.of())));
  }

  /** The product of two extents. */
  public Dim times(Dim other) {
    TreeMap<List<String>, Long> product = new TreeMap<>(Dim::compareMonomials);
    terms.forEach(
        (a, x) ->
            other.terms.forEach(
                (b, y) -> {
                  List<String> symbols = new ArrayList<>(a);
                  symbols.addAll(b);
                  Collections.sort(symbols);
                  accumulate(product, List.copyOf(symbols), Math.multiplyExact(x, y));
                }));
    return product.isEmpty() ? ZERO : new Dim(product);
  }

  /** The product of this extent and a number. */
  public Dim times(long value) {
    return times(term(value, List.of()));
  }

  /**
   * The exact quotient.
   *
   * @param divisor a number that divides every coefficient
   * @throws IllegalArgumentException if a remainder is left
   */
  public Dim dividedBy(long divisor) {
    TreeMap<List<String>, Long> quotient = new TreeMap<>(Dim::compareMonomials);
    terms.forEach(
        (monomial, factor) -> {
          if (divisor == 0 || factor % divisor != 0) {
            throw new IllegalArgumentException(this + " is not divisible by " + divisor);
          }
          quotient.put(monomial, factor / divisor);
        });
    return quotient.isEmpty() ? ZERO : new Dim(quotient);
  }

  /** Whether the extent is a known number. */
  public boolean isConstant() {
    return terms.isEmpty() || (terms.size() == 1 && terms.firstKey().isEmpty());
  }

  /** Whether the extent is the number {@code value}. */
  public boolean is(long value) {
    return isConstant() && constant() == value;
  }

  /**
   * The extent as a number.
   *
   * @throws IllegalStateException if it has symbols
   */
  public int value() {
    if (!isConstant()) {
      throw new IllegalStateException("the extent " + this + " is not known before the block runs");
    }
    return Math.toIntExact(constant());
  }

  /** The symbol's name if the extent is a bare symbol, else null. */
  public String symbolName() {
    if (terms.size() != 1) {
      return null;
    }
    Map.Entry<List<String>, Long> only = terms.firstEntry();
    return only.getValue() == 1 && only.getKey().size() == 1 ? only.getKey().get(0) : null;
  }

  /** The extent for given values of its symbols. */
  public long evaluate(Map<String, Long> symbols) {
    long sum = 0;
    for (Map.Entry<List<String>, Long> term : terms.entrySet()) {
      long product = term.getValue();
      for (String symbol : term.getKey()) {
        Long value = symbols.get(symbol);
        if (value == null) {
          throw new IllegalArgumentException("no value for the symbol " + symbol + " of " + this);
        }
        product = Math.multiplyExact(product, value);
      }
      sum = Math.addExact(sum, product);
    }
    return sum;
  }

  /** The names of the symbols the extent depends on. */
  public List<String> symbols() {
    return terms.keySet().stream().flatMap(List::stream).distinct().collect(Collectors.toList());
  }

  /**
   * Visits the polynomial's terms.
   *
   * @return for each term its coefficient and its symbols
   */
  public Map<List<String>, Long> terms() {
    return Collections.unmodifiableSortedMap(terms);
  }

  private long constant() {
    return terms.isEmpty() ? 0 : terms.firstEntry().getValue();
  }

  private static Dim term(long factor, List<String> symbols) {
    if (factor == 0) {
      return ZERO;
    }
    TreeMap<List<String>, Long> terms = new TreeMap<>(Dim::compareMonomials);
    terms.put(symbols, factor);
    return new Dim(terms);
  }

  private static void accumulate(Map<List<String>, Long> sum, List<String> monomial, long factor) {
    sum.merge(monomial, factor, Math::addExact);
    sum.remove(monomial, 0L);
  }

  private static int compareMonomials(List<String> a, List<String> b) {
    return String.join("*", a).compareTo(String.join("*", b));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Dim dim && terms.equals(dim.terms);
  }

  @Override
  public int hashCode() {
    return Objects.hash(terms);
  }

  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    StringBuilder text = new StringBuilder();
    terms.forEach(
        (symbols, factor) -> {
          if (text.length() > 0) {
            text.append('+');
          }
          if (symbols.isEmpty()) {
            text.append(factor);
          } else {
            text.append(factor == 1 ? "" : factor + "*").append(String.join("*", symbols));
          }
        });
    return text.toString();
  }
}
