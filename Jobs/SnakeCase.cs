using System.Text.Json;

namespace AspireJobs.Jobs;

/// <summary>The words that stand for enum values in JSON, in the database and in metric labels: <c>TasksFailed</c> is <c>tasks_failed</c>.</summary>
public static class SnakeCase
{
    /// <summary>The word for a value.</summary>
    public static string Word<T>(this T value) where T : struct, Enum => Words<T>.ByValue[value];

    /// <summary>The value of a word.</summary>
    /// <exception cref="KeyNotFoundException">There is no such value.</exception>
    public static T Value<T>(string word) where T : struct, Enum => Words<T>.ByWord[word];

    /// <summary>The value of a word, if there is one.</summary>
    public static bool TryValue<T>(string word, out T value) where T : struct, Enum => Words<T>.ByWord.TryGetValue(word, out value);

    /// <summary>All words of an enum, in order.</summary>
    public static IEnumerable<string> All<T>() where T : struct, Enum => Words<T>.ByValue.Values;

    static class Words<T> where T : struct, Enum
    {
        public static readonly Dictionary<T, string> ByValue =
            Enum.GetValues<T>().ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

        public static readonly Dictionary<string, T> ByWord = ByValue.ToDictionary(pair => pair.Value, pair => pair.Key);
    }
}
