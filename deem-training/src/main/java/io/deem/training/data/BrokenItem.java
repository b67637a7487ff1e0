package io.deem.training.data;

/**
 * An item that could not be used.
 *
 * @param dataSet its data set's name
 * @param item its name, or its number where it has none
 * @param reason one line
 */
public record BrokenItem(String dataSet, String item, String reason) {

  @Override
  public String toString() {
    return dataSet + " " + item + ": " + reason;
  }
}
