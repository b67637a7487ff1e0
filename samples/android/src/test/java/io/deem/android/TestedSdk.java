package io.deem.android;

import java.util.Collections;
import java.util.TreeMap;
import javax.annotation.Priority;
import org.robolectric.internal.dependency.DependencyResolver;
import org.robolectric.pluginapi.Sdk;
import org.robolectric.plugins.DefaultSdkProvider;

/**
 * The one Android that the tests run on. Of the others Robolectric would tell which ones this Java
 * is too old for.
 */
@Priority(1)
public final class TestedSdk extends DefaultSdkProvider {

  private static final int LEVEL = 34;

  /** Made by Robolectric. */
  public TestedSdk(DependencyResolver resolver) {
    super(resolver);
  }

  @Override
  protected void populateSdks(TreeMap<Integer, Sdk> sdks) {
    super.populateSdks(sdks);
    sdks.keySet().retainAll(Collections.singleton(LEVEL));
  }
}
