package io.deem.cli;

import picocli.CommandLine.IVersionProvider;

/** The version in the jar's manifest. */
final class ImplementationVersion implements IVersionProvider {

  @Override
  public String[] getVersion() {
    String version = DeemCommand.class.getPackage().getImplementationVersion();
    return new String[] {"deem " + (version == null ? "(not packaged)" : version)};
  }
}
